"""Studies of made-up rows whose truth is known: what is kept, what is missed, what is printed."""
