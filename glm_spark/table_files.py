"""The store's files as bytes through Spark: they are hashed where they lie, only digests and small texts travel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession, functions

from glm_local.contract.store_errors import cannot_read
from glm_local.table_files import SEALS, is_seal

MANY = 500
"""Names up to which Spark is given a pattern of them; beyond, it reads the whole folder."""


class SparkFiles:
    """`TableFiles` through Spark's binaryFile source, which does not list names beginning with a dot or underscore."""

    sees_hidden = False

    def __init__(self, spark: SparkSession, location: str) -> None:
        self._spark, self._location = spark, location

    def _binary(self, folder: str, wanted: Sequence[str] = ()) -> DataFrame | None:
        files = self._spark.read.format("binaryFile")
        if 0 < len(wanted) <= MANY:
            files = files.option("pathGlobFilter", "{" + ",".join(wanted) + "}")
        try:
            return files.load(f"{self._location}/{folder}")
        except PySparkException as error:
            if error.getCondition() == "PATH_NOT_FOUND":
                return None
            raise

    def names(self, folder: str) -> list[str]:
        """Files directly in `folder`."""
        listed = self._binary(folder)
        paths = listed.select("path").toArrow()["path"].to_pylist() if listed is not None else []
        return sorted(f"{folder}/{str(path).rpartition('/')[2]}" for path in paths)

    def _of(self, names: Sequence[str], value: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for folder, wanted in _by_folder(names).items():
            listed = self._binary(folder, wanted)
            if listed is None:
                continue
            name = functions.element_at(functions.split("path", "/"), -1)
            rows = listed.select(name.alias("name"), functions.expr(value).alias("value")).where(name.isin(*wanted))
            try:
                found |= {f"{folder}/{one['name']}": one["value"] for one in rows.toArrow().to_pylist()}
            except Exception as error:  # Py4J's and Connect's errors have no common base
                raise cannot_read(folder.partition("/")[0], folder, error) from error
        return found

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
        wanted = set(names)
        texts = self._seals("cast(content AS string)") if wanted else {}
        return {name: text.rstrip("\n") for name, text in texts.items() if name in wanted}

    def _seals(self, value: str) -> dict[str, str]:
        files = self._spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        try:
            rows = files.load(f"{self._location}/{SEALS}").selectExpr("path", f"{value} AS value").toArrow().to_pylist()
        except PySparkException as error:
            if error.getCondition() == "PATH_NOT_FOUND":
                return {}
            raise
        found = {str(row["path"]): str(row["value"]) for row in rows if is_seal(str(row["path"]))}
        return {path.split(f"/{SEALS}/")[1].split("/")[0]: text for path, text in found.items()}


def _by_folder(names: Iterable[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for path in names:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return folders
