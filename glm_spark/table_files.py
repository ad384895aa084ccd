"""The store's files as bytes through Spark: they are hashed where they lie, only digests and small texts travel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from glm_local.audit.store_errors import cannot_read
from glm_local.audit.table_files import SEALS, is_seal

MANY = 500
"""Names up to which Spark is given a pattern of them; beyond, it reads the whole folder."""


class SparkFiles:
    """`TableFiles` through Spark's binaryFile source, which does not list names beginning with a dot or underscore."""

    sees_hidden = False

    def __init__(self, spark: SparkSession, location: str) -> None:
        self._spark, self._location = spark, location

    def _ask(self, folder: str, value: str, options: dict[str, str] | None = None) -> dict[str, str]:
        """Path to `value`, an SQL expression over path and content; nothing when the folder is not there."""
        files = self._spark.read.format("binaryFile").options(**(options or {})).load
        try:  # a Connect session says only here that a path is missing
            rows = files(f"{self._location}/{folder}").selectExpr("path", f"{value} AS value").toArrow()
        except Exception as error:  # Py4J's and Connect's errors have no common base
            if isinstance(error, PySparkException) and error.getCondition() == "PATH_NOT_FOUND":
                return {}
            raise cannot_read(folder.partition("/")[0], folder, error) from error
        return {str(row["path"]): str(row["value"]) for row in rows.to_pylist()}

    def names(self, folder: str) -> list[str]:
        """Files directly in `folder`."""
        return sorted(f"{folder}/{path.rpartition('/')[2]}" for path in self._ask(folder, "path"))

    def _of(self, names: Sequence[str], value: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for folder, wanted in _by_folder(names).items():
            pattern = {"pathGlobFilter": "{" + ",".join(sorted(wanted)) + "}"} if len(wanted) <= MANY else None
            answers = self._ask(folder, value, pattern).items()
            found |= {f"{folder}/{path.rpartition('/')[2]}": one for path, one in answers}
        asked = set(names)
        return {name: one for name, one in found.items() if name in asked}

    def texts(self, names: Sequence[str]) -> dict[str, str]:
        """Path to text."""
        return self._of(names, "cast(content AS string)")

    def digests(self, names: Sequence[str]) -> dict[str, str]:
        """Path to SHA-256."""
        return self._of(names, "sha2(content, 256)")

    def write_seal(self, name: str, text: str) -> None:
        """Write a seal as a folder of that name with one part file."""
        rows = self._spark.createDataFrame([(text,)], "value string").coalesce(1)
        rows.write.mode("ignore").text(f"{self._location}/{SEALS}/{name}")

    def seal_names(self) -> list[str]:
        """Names of every seal."""
        return sorted(self._seals("path"))

    def read_seals(self, names: Sequence[str]) -> dict[str, str]:
        """Name to text."""
        texts = self._seals("cast(content AS string)") if names else {}
        return {name: texts[name].rstrip("\n") for name in names if name in texts}

    def _seals(self, value: str) -> dict[str, str]:
        found = self._ask(SEALS, value, {"recursiveFileLookup": "true"})
        return {path.split(f"/{SEALS}/")[1].split("/")[0]: one for path, one in found.items() if is_seal(path)}


def _by_folder(names: Iterable[str]) -> dict[str, set[str]]:
    folders: dict[str, set[str]] = {}
    for path in names:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, set()).add(name)
    return folders
