import re
from pathlib import Path
from time import process_time

import pytest
from PIL import Image

from sre_monai.io import written_atomically
from sre_monai.runs.folder import list_images, list_others
from sre_monai.runs.folder.journal import Journal


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_listed_with_their_sub_folders(tmp_path):
    touch(tmp_path, "b.PNG", "eyes/left eye.tif", "eyes/ß.jpg", "notes")
    items = list_images(tmp_path)
    assert [item["file"] for item in items] == ["b.PNG", "eyes/left eye.tif", "eyes/ß.jpg", "notes"]
    assert [item["name"] for item in items] == ["b", "eyes/left eye", "eyes/ß", "notes"]
    assert items[1]["image"] == str(tmp_path / "eyes" / "left eye.tif")


def test_files_of_one_stem_keep_their_extensions(tmp_path):
    touch(tmp_path, "a.jpg", "A.tif", "sub/a.png")
    assert {item["file"]: item["name"] for item in list_images(tmp_path)} == {
        "a.jpg": "a.jpg",
        "A.tif": "A.tif",  # case-insensitive file systems would confuse them
        "sub/a.png": "sub/a",
    }


def test_hidden_files_and_the_output_are_left_out(tmp_path):
    touch(tmp_path, "a.png", ".DS_Store", ".cache/b.png", "out/a_mask.png", "out.png")
    assert [item["file"] for item in list_images(tmp_path, tmp_path / "out")] == ["a.png", "out.png"]


def test_a_single_image(tmp_path):
    touch(tmp_path, "eyes/left [1].JPG", "eyes/right.jpg")
    (item,) = list_images(tmp_path / "eyes" / "left [1].JPG")
    assert (item["file"], item["name"]) == ("left [1].JPG", "left [1]")
    assert item["image"] == str(tmp_path / "eyes" / "left [1].JPG")


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("eyes/*.jpg", ["a.jpg", "b.jpg"]),
        ("eyes/**/[ac].jpg", ["a.jpg", "left/c.jpg"]),
        ("e*/left/*", ["eyes/left/c.jpg"]),
    ],
)
def test_a_pattern(tmp_path, pattern, files):
    touch(tmp_path, "eyes/a.jpg", "eyes/b.jpg", "eyes/d.png", "eyes/left/c.jpg", "eyes/out/a.jpg")
    items = list_images(tmp_path / pattern, tmp_path / "eyes" / "out")
    assert [item["file"] for item in items] == files


def test_a_folder_is_no_pattern(tmp_path):
    touch(tmp_path, "[2024]/a.png")
    assert [item["file"] for item in list_images(tmp_path / "[2024]")] == ["a.png"]


def test_a_pattern_without_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file matches .*\*\.jpg"):
        list_images(tmp_path / "*.jpg")


def test_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    touch(tmp_path, "eyes/a.png")
    (tmp_path / "list.csv").write_text("image\n~/eyes/a.png\n")
    for source in ("~/eyes", "~/eyes/a.png", "~/list.csv"):
        assert [item["image"] for item in list_images(source)] == [str(tmp_path / "eyes" / "a.png")]


def test_errors_name_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder not found: .*missing"):
        list_images(tmp_path / "missing")
    with pytest.raises(ValueError, match="has no files"):
        list_images(tmp_path)


def test_no_two_files_share_a_name(tmp_path):
    names = ["a.jpg", "a.tif", "a.jpg.png", "b.nii.gz", "b.png", "c", "c.png", "d.nii.gz"]
    touch(tmp_path, *names)
    listed = {item["file"]: item["name"] for item in list_images(tmp_path)}
    assert len(set(listed.values())) == len(names)
    assert (listed["a.jpg.png"], listed["c"], listed["d.nii.gz"]) == ("a.jpg.png", "c", "d")


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "photographs/a.png", "elsewhere/b.png")
    (tmp_path / "photographs" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photographs" / "circle").symlink_to(tmp_path / "photographs")
    (tmp_path / "photographs" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    files = [item["file"] for item in list_images(tmp_path / "photographs")]
    assert files == ["a.png", "linked/b.png", "lost.png"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.json", '["eyes/a.png", "b.png"]'),
        ("list.json", '{"training": [{"image": "eyes/a.png", "label": "x"}], "test": ["b.png"], "name": "mine"}'),
        ("LIST.CSV", "\ufeffpatient,image\n1,eyes/a.png\n2,b.png\n2,b.png\n"),
    ],
)
def test_lists(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")
    items = list_images(tmp_path / name)
    assert [(item["file"], item["name"]) for item in items] == [("b.png", "b"), ("eyes/a.png", "eyes/a")]
    assert items[1]["image"] == str(tmp_path / "eyes" / "a.png")


def test_a_list_of_files_elsewhere(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.csv").write_text(f"path\n{tmp_path}/x/a.png\n../x/y/b.png\n")
    items = list_images(tmp_path / "lists" / "list.csv")
    assert [item["name"] for item in items] == ["y/b", "a"]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("list.json", "{", "not a list of images"),
        ("list.json", "[1]", "an entry has no path"),
        ("list.csv", "patient\n1\n", "an entry has no path, only 'patient'"),
        ("list.csv", "image\n", "lists no images"),
        ("list.txt", "a.png", "is a file; give a folder"),
    ],
)
def test_bad_lists_are_named(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=sentence):
        list_images(tmp_path / name)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("preamble", ["", "\r\n", "sep=x\r\n"])
@pytest.mark.parametrize(
    "header", ["image,um_per_pixel", " Image , UM_per_Pixel", "file,um per pixel", "Path,Um_Per_Pixel "]
)
def test_columns_and_encodings_as_people_write_them(tmp_path, delimiter, encoding, preamble, header):
    number = "7.5" if delimiter == "," else "7,5"
    rows = [header.replace(",", delimiter), f"Müller/ä.png {delimiter} {number}", f"b.png{delimiter}", delimiter, ""]
    text = preamble.replace("x", delimiter) + "\r\n".join(rows)
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    items = {item["file"]: item.get("um_per_pixel") for item in list_images(tmp_path / "list.csv")}
    assert items == {"Müller/ä.png": 7.5, "b.png": None}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_lists_in_any_encoding(tmp_path, encoding):
    (tmp_path / "list.json").write_bytes('[{"Image": "ä.png", "um per pixel": 7.5}]'.encode(encoding))
    assert list_images(tmp_path / "list.json")[0]["um_per_pixel"] == 7.5


def test_columns_that_are_not_used_are_named(tmp_path, caplog):
    (tmp_path / "list.csv").write_text("image,patient,Label,um_per_pixel,Age\na.png,1,b.png,7,50\n")
    assert list_images(tmp_path / "list.csv")[0]["um_per_pixel"] == 7
    (record,) = caplog.records
    assert "list.csv: not used: age, patient; known are" in record.getMessage()


LISTS = {
    "misspelt": ("image,um_per_pixl\na.png,7\n", "column 'um_per_pixl' is not known: is it 'um_per_pixel'?"),
    "another unit": ("image,mm_per_pixel\na.png,0.007\n", "column 'mm_per_pixel' is not known"),
    "twice a column": ("image,Image\na.png,b.png\n", "it has two columns 'image'"),
    "no path": ("picture,um_per_pixel\na.png,7\n", "an entry has no path, only 'picture', 'um_per_pixel'"),
    "comma in a name": ("image\na,b.png\n", "line 2 has more cells than columns: quote what contains ','"),
    "two sizes": ("image,um_per_pixel\na.png,7\n./a.png,8\n", "a.png is listed twice, with the um_per_pixel 7 and 8"),
    "two ways": ("image,um_per_pixel\na.png,7\nb/../a.png,8\n", "a.png is listed twice, with the um_per_pixel 7 and 8"),
    "in millimetres": ("image,um_per_pixel\na.png,0.007\n", "must be between 0.1 and 200 micrometres, got '0.007'"),
}


@pytest.mark.parametrize("kind", LISTS)
def test_what_would_be_lost_in_silence_is_refused(kind, tmp_path):
    content, sentence = LISTS[kind]
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        list_images(tmp_path / "list.csv")


def test_an_unknown_encoding_is_refused(tmp_path):
    (tmp_path / "list.csv").write_bytes("image\na.png\n".encode("utf-16-le"))
    with pytest.raises(ValueError, match="its encoding is not known: save it as UTF-8"):
        list_images(tmp_path / "list.csv")


def test_an_image_is_listed_once_by_whatever_path(tmp_path):
    (tmp_path / "list.csv").write_text(f"image,um_per_pixel\na.png,\n./a.png,7\nb/../a.png,7\n{tmp_path}/a.png,\n")
    (item,) = list_images(tmp_path / "list.csv")
    assert (item["file"], item["name"], item["um_per_pixel"]) == ("a.png", "a", 7)


def test_files_that_are_no_images_are_listed_apart(tmp_path):
    touch(tmp_path, "a.png", "Thumbs.db", "sub/desktop.ini", "sub/README.txt", "DICOMDIR", "notes.pdf", "b", "c.fda")
    Image.new("RGB", (9, 9)).save(tmp_path / "image.txt", "PNG")
    (tmp_path / ".DS_Store").touch()
    assert [item["file"] for item in list_images(tmp_path)] == ["a.png", "b", "c.fda", "image.txt"]
    assert list_others(tmp_path) == ["DICOMDIR", "Thumbs.db", "notes.pdf", "sub/README.txt", "sub/desktop.ini"]
    assert list_others(tmp_path / "a.png") == []


def test_a_folder_without_images_is_refused(tmp_path):
    touch(tmp_path, "readme.txt")
    with pytest.raises(ValueError, match=r"has no images, only files such as readme.txt; give a folder"):
        list_images(tmp_path)


@pytest.mark.parametrize("place", ["in/results", "in", "."])
def test_results_of_earlier_runs_are_no_images(tmp_path, place):
    results = tmp_path / place
    touch(tmp_path, "in/a.png", "in/sub/b.png")
    touch(results, "sub/b_mask.png", "a_mask.png", "report.csv", "report.html", "log.txt", "mine_mask.png")
    Journal(results / ".journal").gather(lambda record: True)
    for name in ("a", "sub/b"):
        Journal(results / ".journal").append({"file": f"{name}.png", "outputs": {f"{name}_mask.png": 0}})
    mine = {"in/results": ["results/mine_mask.png"], "in": ["mine_mask.png"], ".": []}[place]
    assert [item["file"] for item in list_images(tmp_path / "in", tmp_path / "new")] == sorted(
        ["a.png", "sub/b.png", *mine]
    )
    assert list_others(tmp_path / "in", tmp_path / "new") == []
    found = {Path(item["image"]).name for item in list_images(tmp_path / "in" / "**" / "*.png", tmp_path / "new")}
    assert found - {"mine_mask.png"} == {"a.png", "b.png"}


@pytest.mark.parametrize("letter", ["a", "ä", "眼"])
def test_long_names_leave_room_for_what_results_add(tmp_path, letter):
    stems = [(letter * 251).encode()[: 251 - n].decode("utf-8", "ignore") for n in (0, 4, 20)]
    touch(tmp_path, *(f"{stem}.png" for stem in stems))
    names = [item["name"] for item in list_images(tmp_path)]
    assert len(set(names)) == 3
    assert max(len(name.encode()) for name in names) <= 236
    assert stems[2] in names
    for name in names:
        with written_atomically(tmp_path / "out" / f"{name}_probability.nii.gz") as unfinished:
            unfinished.touch()


def test_the_output_may_be_around_but_not_the_folder_itself(tmp_path):
    touch(tmp_path, "in/a.png")
    assert len(list_images(tmp_path / "in", tmp_path)) == 1
    with pytest.raises(ValueError, match=r"output_dir: .* is the folder of the images itself"):
        list_images(tmp_path / "in", tmp_path / "in")


def test_a_long_list_takes_time_in_proportion(tmp_path):
    def seconds(count):
        datalist = tmp_path / "list.csv"
        datalist.write_text("image\n" + "".join(f"site_{n % 97}/patient_{n:06}.jpg\n" for n in range(count)))
        start = process_time()
        assert len({item["name"] for item in list_images(datalist)}) == count
        return process_time() - start

    seconds(1000)
    # 8 times where each file takes the same time, 64 times where each is compared with all others
    assert min(seconds(24_000) for _ in range(2)) < 25 * min(seconds(3000) for _ in range(2))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", "image,um_per_pixel\na.png,7.5\nb.png,\n"),
        ("list.json", '[{"image": "a.png", "um_per_pixel": 7.5}, {"image": "b.png", "um_per_pixel": null}]'),
    ],
)
def test_a_list_may_give_the_size_of_pixels(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    first, second = list_images(tmp_path / name)
    assert first["um_per_pixel"] == 7.5
    assert "um_per_pixel" not in second


@pytest.mark.parametrize("size", ["wide", "0", "-3", "nan"])
def test_a_bad_size_of_pixels_names_the_image(tmp_path, size):
    (tmp_path / "list.csv").write_text(f"image,um_per_pixel\nsub/a.png,{size}\n")
    with pytest.raises(ValueError, match=r"list.csv: um_per_pixel of sub/a.png must be a positive number"):
        list_images(tmp_path / "list.csv")
