"""Which folder belongs to which key, on a disk that does not tell case."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.outputs import OutputStore
from pipeline.outputs.folders import KeyFolders, is_case_blind
from pipeline.outputs.names import hashed_name
from tests.images.pictures import encoded

if TYPE_CHECKING:
    from pathlib import Path


class Disk:
    """Does not tell case, and is asked by folders that exist."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def is_case_blind(self, folder: Path) -> bool:
        assert folder.is_dir()
        self.asked.append(folder.name)
        return True


def folders_in(out: Path, disk: Disk) -> KeyFolders:
    return KeyFolders(out / "images", beside=out / ".part", ask=disk.is_case_blind)


def test_the_first_two_keys_of_a_new_folder_stay_apart_however_early_they_come(tmp_path: Path) -> None:
    disk = Disk()
    folders = folders_in(tmp_path / "out", disk)

    with ThreadPoolExecutor(2) as threads:
        names = list(threads.map(folders.to_write, ["MB01", "mb01"]))

    assert names in (["MB01", hashed_name("mb01")], [hashed_name("MB01"), "mb01"])
    assert [folders.to_read(key) for key in ("MB01", "mb01")] == names
    assert disk.asked == [".part"]


def test_a_look_into_a_new_folder_makes_nothing(tmp_path: Path) -> None:
    disk = Disk()

    assert folders_in(tmp_path / "out", disk).to_read("MB01") == "MB01"
    assert (disk.asked, list(tmp_path.iterdir())) == ([], [])


def test_the_folders_on_disk_are_the_memory(tmp_path: Path) -> None:
    disk = Disk()
    (tmp_path / "images" / "MB01").mkdir(parents=True)

    assert folders_in(tmp_path, disk).to_write("mb01") == hashed_name("mb01")
    assert disk.asked == ["images"]


def test_both_folders_get_the_same_answer_from_the_disk(tmp_path: Path) -> None:
    OutputStore(tmp_path).save(encoded(), key="a", step="s")

    answers = {is_case_blind(tmp_path / name) for name in ("images", ".part")}

    assert answers == {(tmp_path / "IMAGES").exists()}
