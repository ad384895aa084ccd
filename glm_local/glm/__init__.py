"""The fit: request, plan, kernels, Newton's method, the document and its checks; arrays and sums only."""
