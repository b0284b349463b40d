from time import process_time

import pytest

from sre_monai.runs.folder import list_images


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_are_listed_with_their_sub_folders(tmp_path):
    touch(tmp_path, "b.PNG", "eyes/left eye.tif", "eyes/ß.jpg", "notes.txt")
    items = list_images(tmp_path)
    assert [item["file"] for item in items] == ["b.PNG", "eyes/left eye.tif", "eyes/ß.jpg", "notes.txt"]
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
        ("list.csv", "patient\n1\n", "an entry has no path"),
        ("list.csv", "image\n", "lists no images"),
        ("list.txt", "a.png", "is a file; give a folder"),
    ],
)
def test_bad_lists_are_named(tmp_path, name, content, sentence):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=sentence):
        list_images(tmp_path / name)


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
