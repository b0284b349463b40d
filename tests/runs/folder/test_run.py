"""Which files a run processes again, and which it keeps."""

import csv
import json
import os

import pytest

from sre_monai.runs.folder import FolderRun


@pytest.fixture
def folder(tmp_path):
    """Three files to process."""
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_text(name)
    return tmp_path


def make_run(folder, **overrides):
    items = [{"image": str(folder / f"{n}.png"), "file": f"{n}.png", "name": n} for n in "abc"]
    arguments = {"items": items, "output_dir": folder / "out", "identity": {"version": "1", "threshold": "0.5"}}
    return FolderRun(**arguments | overrides)


def do(run, indices):
    """Pretend to process photographs."""
    for index in indices:
        item = run.items[index]
        (run.output_dir / f"{item['name']}_mask.png").write_text("mask")
        run.add(item, "done", run.fingerprint(item), outputs={f"{item['name']}_mask.png": 4}, vessel_density=0.1)


def again(folder, **overrides):
    return make_run(folder, **overrides).start()


@pytest.fixture
def finished(folder):
    """The folder of a completed run."""
    run = make_run(folder)
    with run.running():
        do(run, run.start())
    assert again(folder) == []
    return folder


def ending(run, error=None):
    """Exit status of a run, with or without an error."""
    try:
        with run.running():
            if error is not None:
                raise error
    except SystemExit as stop:
        return stop.code
    return 0


def rows(folder):
    with (folder / "out" / "report.csv").open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def test_the_first_run_does_all(folder):
    assert again(folder) == [0, 1, 2]


def test_an_interrupted_run_resumes(folder):
    run = make_run(folder)
    run.start()
    do(run, [1])
    assert again(folder) == [0, 2]


def test_a_changed_file_is_done_again_and_its_results_go(finished):
    (finished / "b.png").write_text("another photograph")
    assert again(finished) == [1]
    assert sorted(path.name for path in (finished / "out").glob("*.png")) == ["a_mask.png", "c_mask.png"]


def test_a_touched_file_is_done_again(finished):
    os.utime(finished / "a.png", ns=(1, 1))
    assert again(finished) == [0]


@pytest.mark.parametrize(
    ("identity", "change"),
    [
        ({"version": "1", "threshold": "0.4"}, "threshold was 0.5 and is now 0.4;"),
        ({"version": "9", "threshold": "0.5"}, "version was 1 and is now 9;"),
        ({"version": "1", "threshold": "0.5", "amp": "True"}, "amp was absent and is now True;"),
    ],
    ids=str,
)
def test_another_identity_does_all_again_and_the_log_names_the_change(finished, caplog, identity, change):
    assert again(finished, identity=identity) == [0, 1, 2]
    assert change in caplog.text
    caplog.clear()
    assert again(finished, identity=identity) == [0, 1, 2]  # nothing was processed in between
    assert "another run" not in caplog.text


def test_all_is_done_again_on_demand(finished, caplog):
    assert again(finished, resume=False) == [0, 1, 2]
    assert "another run" not in caplog.text


def test_a_damaged_identity_file_does_not_stop_a_run(finished):
    (finished / "out" / ".journal" / "identity.json").write_text("{")
    assert again(finished) == []


@pytest.mark.parametrize("damage", ["", "longer than it was"])
def test_a_damaged_or_lost_result_is_made_again(finished, damage):
    (finished / "out" / "c_mask.png").write_text(damage)
    assert again(finished) == [2]
    (finished / "out" / "a_mask.png").unlink()
    assert again(finished) == [0, 2]


def test_thumbnails_are_files_which_go_when_the_photograph_changes(folder):
    run = make_run(folder)
    with run.running():
        for index in run.start():
            item = run.items[index]
            run.add(item, "done", run.fingerprint(item), thumbnails=["SlBFRw==", "SlBFRw=="], preview="SlBFRw==")
    thumbnails = folder / "out" / ".journal" / "thumbnails"
    kinds = ("0", "1", "preview")
    assert sorted(path.name for path in thumbnails.iterdir()) == [f"{n}_{kind}.jpg" for n in "abc" for kind in kinds]
    assert (thumbnails / "b_1.jpg").read_bytes() == b"JPEG"
    page = (folder / "out" / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,SlBFRw==") == 6
    assert page.count('["photograph",".journal/thumbnails/') == 3
    (thumbnails / "c_0.jpg").unlink()
    assert again(folder) == []  # they are not results
    (folder / "b.png").write_text("another photograph")
    assert again(folder) == [1]
    assert sorted(path.name for path in thumbnails.iterdir()) == [
        *("a_0.jpg", "a_1.jpg", "a_preview.jpg"),
        *("c_1.jpg", "c_preview.jpg"),
    ]


def test_failures_are_tried_again(finished):
    run = make_run(finished, resume=False)
    run.start()
    run.add(run.items[0], "failed", run.fingerprint(run.items[0]), reason="disk full")
    do(run, [1, 2])
    assert again(finished) == [0]


def test_results_of_another_folder_are_kept(finished):
    (finished / "d.png").touch()
    items = [{"image": str(finished / "d.png"), "file": "d.png", "name": "d"}]
    assert again(finished, items=items) == [0]
    assert len(list((finished / "out").glob("*_mask.png"))) == 3
    assert again(finished) == []


def test_unfinished_files_of_a_killed_run_are_removed(folder):
    left = folder / "out" / "sub" / ".unfinished-1.a_mask.png"
    left.parent.mkdir(parents=True)
    left.touch()
    again(folder)
    assert not left.exists()


@pytest.mark.parametrize(("done", "status"), [([0, 1, 2], 0), ([1], 3), ([], 1)])
def test_exit_status(folder, done, status):
    run = make_run(folder)
    run.start()
    do(run, done)
    for index in {0, 1, 2} - set(done):
        run.add(run.items[index], "failed", reason="damaged")
    assert ending(run) == status
    assert sum(row["status"] == "done" for row in rows(folder).values()) == len(done)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130), (SystemExit(143), 143)])
def test_an_interrupted_run_reports_pending_files(folder, error, status):
    run = make_run(folder)
    run.start()
    do(run, [0])
    assert ending(run, error) == status
    assert [row["status"] for row in rows(folder).values()] == ["done", "pending", "pending"]


def test_a_full_disk_loses_no_row(folder, monkeypatch, caplog):
    run = make_run(folder)
    run.start()

    def fail(record):
        raise OSError("No space left on device")

    monkeypatch.setattr(run.journal, "append", fail)
    for item in run.items:
        run.add(item, "failed", reason="No space left on device")
    assert ending(run) == 1
    assert {row["reason"] for row in rows(folder).values()} == {"No space left on device"}


def test_an_unusable_output_folder_is_named(folder):
    (folder / "out").write_text("a file")
    with pytest.raises(OSError, match=r"output_dir: can't write to .*out"):
        again(folder)


@pytest.mark.parametrize("key", ["outputs", "thumbnails", "preview"])
@pytest.mark.parametrize("path", ["{}/photographs/a.png", "../photographs/a.png", "linked/a.png"])
def test_a_journal_removes_nothing_elsewhere(folder, key, path):
    """Whatever someone wrote into it."""
    (folder / "photographs").mkdir()
    (folder / "photographs" / "a.png").write_text("precious")
    (folder / "out" / ".journal").mkdir(parents=True)
    (folder / "out" / "linked").symlink_to(folder / "photographs")
    (folder / "out" / "a_mask.png").write_text("stale")
    path = path.format(folder)
    named = {"outputs": {path: 1}, "thumbnails": [path], "preview": path}[key]
    record = {"file": "a.png", "status": "done", "fingerprint": "stale"}
    lines = [record | {key: named}, record | {"file": "b.png", "outputs": {"a_mask.png": 5}}, {"file": "c.png"}]
    (folder / "out" / ".journal" / "process_0.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert again(folder) == [0, 1, 2]
    assert (folder / "photographs" / "a.png").read_text() == "precious"
    assert not (folder / "out" / "a_mask.png").exists()
