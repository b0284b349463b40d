from sre_monai.volumes import list_volumes
from tests.volumes.toy import smooth_noise, write


def test_headers_beside_their_data_are_left_out(tmp_path):
    for name in ("a.nii.gz", "sub/b.mgz", "c.hdr"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "c.img").touch()
    (tmp_path / "alone.hdr").touch()
    assert [item["file"] for item in list_volumes(tmp_path)] == ["a.nii.gz", "alone.hdr", "c.img", "sub/b.mgz"]


def test_results_of_the_output_folder_are_left_out(tmp_path):
    write(tmp_path / "a.nii.gz", smooth_noise((4, 4, 4)))
    write(tmp_path / "out" / "a_labels.nii.gz", smooth_noise((4, 4, 4)))
    assert [item["name"] for item in list_volumes(tmp_path, tmp_path / "out")] == ["a"]
