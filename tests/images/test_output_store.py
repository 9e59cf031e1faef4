"""Writing into the result folder: whole files only, nothing overwritten, found again after a crash."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import PipelineError
from pipeline.outputs import BadOutput, Limits, OutputStore, StorageError, StorageFull
from pipeline.outputs.errors import storage_error
from pipeline.outputs.place import rename_if_free
from tests.images.pictures import decoded, encoded, picture

RED, BLUE = (encoded(Image.new("RGB", (8, 6), color)) for color in ("red", "blue"))
MADE = "trainedAlgorithmicMedia"


@pytest.fixture
def store(tmp_path: Path) -> OutputStore:
    return OutputStore(tmp_path)


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_an_output_stands_where_the_contract_says(store: OutputStore, tmp_path: Path) -> None:
    saved = store.save(RED, key="mug-01", step="studio")

    assert saved.path == "images/mug-01/studio.png"
    assert (tmp_path / saved.path).read_bytes() == RED
    assert (saved.width, saved.height, saved.content_type, saved.size_bytes) == (8, 6, "image/png", len(RED))
    assert saved.sha256 == hashlib.sha256(RED).hexdigest()
    assert files(tmp_path) == [saved.path]


def test_the_extension_follows_the_content(store: OutputStore) -> None:
    paths = [store.save(encoded(kind=kind), key=kind, step="s").path for kind in ("JPEG", "WEBP", "AVIF")]

    assert paths == ["images/JPEG/s.jpg", "images/WEBP/s.webp", "images/AVIF/s.avif"]


def test_further_images_of_a_task_are_numbered(store: OutputStore, tmp_path: Path) -> None:
    paths = [store.save(data, key="a", step="s", n=n).path for n, data in enumerate((RED, BLUE), 1)]

    assert paths == ["images/a/s.png", "images/a/s-2.png"]
    assert store.find("a", "s", 2) == tmp_path / "images/a/s-2.png"
    assert store.find("a", "s", 3) is None


def test_what_is_no_image_is_not_written(store: OutputStore, tmp_path: Path) -> None:
    with pytest.raises(BadOutput):
        store.save(b"<html>", key="a", step="s")

    assert files(tmp_path) == []


def test_the_same_bytes_again_are_adopted(store: OutputStore, tmp_path: Path) -> None:
    first = store.save(RED, key="a", step="s", digital_source=MADE)

    assert store.save(RED, key="a", step="s", digital_source=MADE) == first
    assert files(tmp_path) == ["images/a/s.png"]


def test_other_bytes_move_the_old_file_aside_whatever_its_format(store: OutputStore, tmp_path: Path) -> None:
    jpeg = encoded(kind="JPEG")
    for data in (RED, BLUE, jpeg):
        store.save(data, key="a", step="s")

    standing = {path: (tmp_path / path).read_bytes() for path in files(tmp_path)}
    assert standing.pop("images/a/s.jpg") == jpeg
    assert sorted(standing.values()) == sorted((RED, BLUE))
    assert all(path.startswith("superseded/a/s.") for path in standing)


def test_a_picture_that_comes_and_goes_is_superseded_once(store: OutputStore, tmp_path: Path) -> None:
    for data in (RED, BLUE, RED, BLUE):
        store.save(data, key="a", step="s")

    assert len(files(tmp_path)) == 3


def test_a_file_of_somebody_else_is_moved_not_overwritten(store: OutputStore, tmp_path: Path) -> None:
    (tmp_path / "images/a").mkdir(parents=True)
    (tmp_path / "images/a/s.png").write_bytes(b"my own notes")

    store.save(RED, key="a", step="s")

    assert b"my own notes" in {(tmp_path / path).read_bytes() for path in files(tmp_path)}


def test_an_output_nobody_wants_any_more_goes_straight_to_superseded(store: OutputStore, tmp_path: Path) -> None:
    store.save(BLUE, key="a", step="s")

    saved = [store.save(RED, key="a", step="s", superseded=True) for _ in range(2)]

    assert saved[0] == saved[1]
    assert saved[0].path.startswith("superseded/a/s.")
    assert (tmp_path / "images/a/s.png").read_bytes() == BLUE


def test_superseding_says_where_the_file_went(store: OutputStore, tmp_path: Path) -> None:
    old = store.save(RED, key="v1.0 a", step="s.x")

    moved = store.supersede(old.path)

    assert moved is not None
    assert moved.startswith("superseded/v1.0-a~")
    assert (tmp_path / moved).read_bytes() == RED
    assert store.supersede(old.path) is None
    assert store.find("v1.0 a", "s.x") is None


@pytest.mark.parametrize("path", ["../x.png", "images/../../x.png", "/etc/passwd", "ledger.db", "images", ""])
def test_nothing_but_outputs_is_moved(store: OutputStore, path: str) -> None:
    with pytest.raises(StorageError, match="no path of an output"):
        store.supersede(path)


def test_a_file_without_its_ledger_entry_is_adopted(store: OutputStore, tmp_path: Path) -> None:
    saved = store.save(RED, key="a", step="s", n=2, digital_source=MADE)

    assert OutputStore(tmp_path).adopt("a", "s", 2) == saved
    assert store.adopt("a", "s") is None


def test_a_damaged_file_is_not_adopted(store: OutputStore, tmp_path: Path) -> None:
    path = tmp_path / store.save(encoded(), key="a", step="s").path
    path.write_bytes(path.read_bytes()[:60])

    assert store.adopt("a", "s") is None


def test_what_a_crash_left_half_written_is_swept_and_never_found(store: OutputStore, tmp_path: Path) -> None:
    saved = store.save(RED, key="a", step="s")
    (tmp_path / ".part" / "0123.part").write_bytes(RED[:20])

    assert store.sweep() == 1
    assert files(tmp_path) == [saved.path]
    assert OutputStore(tmp_path / "new").sweep() == 0


def test_the_mark_is_stamped_and_reported(store: OutputStore, tmp_path: Path) -> None:
    marked = store.save(RED, key="a", step="s", digital_source=MADE)
    plain = OutputStore(tmp_path, ai_label=False).save(RED, key="b", step="s", digital_source=MADE)
    unable = store.save(encoded(kind="AVIF"), key="c", step="s", digital_source=MADE)

    assert [each.ai_label for each in (marked, plain, unable)] == [True, False, False]
    assert (tmp_path / plain.path).read_bytes() == RED
    assert decoded((tmp_path / marked.path).read_bytes()).tobytes() == decoded(RED).tobytes()


def test_a_mark_that_the_provider_set_is_reported_too(tmp_path: Path) -> None:
    store = OutputStore(tmp_path, ai_label=False)
    marked = (tmp_path / OutputStore(tmp_path).save(RED, key="a", step="s", digital_source=MADE).path).read_bytes()

    assert store.save(marked, key="b", step="s").ai_label


def test_keys_that_differ_only_in_case_stay_apart_where_the_file_system_does_not_tell_them(tmp_path: Path) -> None:
    def store() -> OutputStore:
        return OutputStore(tmp_path, case_blind=True)

    first = store().save(RED, key="MB01", step="s").path
    second = store().save(BLUE, key="mb01", step="s").path

    assert first == "images/MB01/s.png"
    assert second.startswith("images/mb01~")
    found = store().adopt("mb01", "s")
    assert found is not None
    assert found.path == second
    assert store().save(BLUE, key="mb01", step="s").path == second
    assert store().save(RED, key="MB01", step="s").path == first


def test_the_file_system_is_asked_whether_it_tells_case(tmp_path: Path) -> None:
    store = OutputStore(tmp_path)
    paths = {store.save(data, key=key, step="s").path.casefold() for key, data in (("A", RED), ("a", BLUE), ("A", RED))}
    tells_case = not (tmp_path / "IMAGES").exists()

    assert len(paths) == (1 if tells_case else 2)
    assert {(tmp_path / path).read_bytes() for path in files(tmp_path)} == {RED, BLUE}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(key=st.text(max_size=300), step=st.text(max_size=300))
def test_no_key_and_no_step_leaves_the_folder(store: OutputStore, tmp_path: Path, key: str, step: str) -> None:
    saved = store.save(RED, key=key, step=step, n=12)

    assert (tmp_path / saved.path).resolve().parents[2] == tmp_path.resolve()
    assert store.find(key, step, 12) == tmp_path / saved.path


def test_many_threads_leave_every_file_whole(store: OutputStore, tmp_path: Path) -> None:
    def save(number: int) -> str:
        data = encoded(Image.new("RGB", (number + 1, 2)))
        return store.save(data, key=f"k{number % 7}", step=f"s{number}").path

    with ThreadPoolExecutor(8) as threads:
        paths = list(threads.map(save, range(60)))

    assert sorted(paths) == files(tmp_path)
    assert [decoded((tmp_path / path).read_bytes()).width for path in paths] == list(range(1, 61))


def test_a_name_that_is_taken_is_not_renamed_over(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")

    with pytest.raises(FileExistsError):
        rename_if_free(str(new), str(old))

    assert (new.read_text(), old.read_text()) == ("new", "old")


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    error = storage_error(OSError(errno.ENOSPC, "No space left on device"), tmp_path)

    assert isinstance(error, StorageFull)
    assert isinstance(error, PipelineError)
    assert str(tmp_path) in str(error)
    assert "resume" in error.hint


def test_a_folder_that_cannot_be_written_is_said_before_money_is_spent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = OutputStore(tmp_path / "file")

    with pytest.raises(StorageError, match="cannot write outputs"):
        store.check_writable()
    with pytest.raises(StorageError, match="cannot write outputs"):
        store.save(RED, key="a", step="s")
    assert store.disk_free_bytes() > 0


def test_a_writable_folder_keeps_nothing_of_the_check(store: OutputStore, tmp_path: Path) -> None:
    store.check_writable()

    assert files(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(encoded(picture(size=(300, 200)), compress_level=0))
    script = (
        "import resource, signal, sys; from pathlib import Path; from pipeline.outputs import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: OutputStore(Path('out')).save(Path('image.png').read_bytes(), key='a', step='s')\n"
        "except StorageError as error: print(error)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "cannot write outputs" in done.stdout
    assert files(tmp_path / "out") == []


def test_a_killed_process_leaves_whole_files_and_what_it_reported(tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(encoded(picture(size=(300, 200)), compress_level=0))
    script = (
        "from pathlib import Path; from pipeline.outputs import OutputStore\n"
        "store, data = OutputStore(Path('out')), Path('image.png').read_bytes()\n"
        "for number in range(100_000): print(store.save(data, key=f'k{number}', step='s').path, flush=True)\n"
    )

    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline().strip() for _ in range(40)]
        process.kill()
    store = OutputStore(tmp_path / "out")
    store.sweep()

    standing = files(tmp_path / "out")
    assert set(reported) <= set(standing)
    assert all(store.adopt(Path(path).parent.name, "s") for path in standing)


def test_limits_hold_when_saving(tmp_path: Path) -> None:
    with pytest.raises(BadOutput, match="megapixels"):
        OutputStore(tmp_path, limits=Limits(max_pixels=10)).save(RED, key="a", step="s", full=False)
