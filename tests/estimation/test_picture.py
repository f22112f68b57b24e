"""Every kind of file an artist may have: it loads, or one sentence says why not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from backend import picture
from backend.contract.errors import BadPicture, PictureTooLarge, PictureTooSmall, UnreadablePicture


def gradient(width: int = 160, height: int = 100) -> np.ndarray:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = np.linspace(0, 250, width)[None, :]
    rgb[..., 1] = np.linspace(0, 250, height)[:, None]
    rgb[..., 2] = 80
    return rgb


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_plain_png_comes_back_as_it_was(tmp_path: Path) -> None:
    loaded = picture.load(saved(tmp_path / "a.png", Image.fromarray(gradient())))
    np.testing.assert_allclose(loaded.rgb * 255, gradient(), atol=0.01)
    assert loaded.original_size == (160, 100) and len(loaded.sha256) == 64 and loaded.exif_fov_x_rad is None


@pytest.mark.parametrize("name", ["a mountain with spaces.png", "Säntis été.png", "🏔️ 山.png"])
def test_names_do_not_matter(tmp_path: Path, name: str) -> None:
    assert picture.load(saved(tmp_path / name, Image.fromarray(gradient()))).rgb.shape == (100, 160, 3)


def test_sixteen_bit_gray(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 160).astype(np.uint16)[None, :].repeat(100, 0)
    for name in ("a.png", "a.tif"):
        loaded = picture.load(saved(tmp_path / name, Image.fromarray(ramp)))
        np.testing.assert_allclose(loaded.rgb[50, :, 1], ramp[50] / 65535.0, atol=0.004)


def test_float_gray(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 160, dtype=np.float32)[None, :].repeat(100, 0)
    ramp[0, 0] = np.nan
    loaded = picture.load(saved(tmp_path / "a.tif", Image.fromarray(ramp)))
    np.testing.assert_allclose(loaded.rgb[50, :, 0], ramp[50], atol=0.004)


@pytest.mark.parametrize("mode", ["L", "CMYK", "1", "P", "LA", "RGBA", "YCbCr"])
def test_modes(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(gradient()).convert(mode)
    suffix = ".tif" if mode in ("CMYK", "YCbCr") else ".png"
    loaded = picture.load(saved(tmp_path / f"a{suffix}", image))
    assert loaded.rgb.shape == (100, 160, 3) and 0 <= loaded.rgb.min() <= loaded.rgb.max() <= 1
    if mode == "CMYK":
        assert np.abs(loaded.rgb * 255 - gradient()).mean() < 25


def test_cmyk_jpeg(tmp_path: Path) -> None:
    loaded = picture.load(saved(tmp_path / "a.jpg", Image.fromarray(gradient()).convert("CMYK")))
    assert np.abs(loaded.rgb * 255 - gradient()).mean() < 25


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([gradient(), np.full((100, 160), 255, np.uint8)])
    rgba[:50, :, 3] = 0
    loaded = picture.load(saved(tmp_path / "a.png", Image.fromarray(rgba)))
    assert (loaded.rgb[:50] == 1).all() and loaded.rgb[60:].mean() < 0.8


def test_exif_orientation_and_field_of_view(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    exif.get_ifd(0x8769)[0xA405] = 50
    loaded = picture.load(saved(tmp_path / "a.jpg", Image.fromarray(gradient()), exif=exif))
    assert loaded.rgb.shape == (160, 100, 3) and loaded.original_size == (100, 160)
    assert loaded.rgb[5, 50, 0] < 0.1 < loaded.rgb[-5, 50, 0]
    focal_px = 50 / np.hypot(36, 24) * np.hypot(160, 100)
    assert loaded.exif_fov_x_rad == pytest.approx(2 * np.arctan(50 / focal_px), abs=1e-6)


def test_exif_of_a_cropped_picture_does_not_count(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA405: 50, 0xA002: 6000, 0xA003: 4000})
    wide = Image.fromarray(gradient(300, 100))
    assert picture.load(saved(tmp_path / "a.jpg", wide, exif=exif)).exif_fov_x_rad is None


def test_field_of_view_from_the_sensor() -> None:
    tags = {0x920A: 30.0, 0xA20E: 1600 / (22.0 / 25.4), 0xA210: 2, 0xA002: 1600, 0xA003: 1065}
    fov = picture.field_of_view(tags, 1600, 1065, False)
    assert fov == pytest.approx(2 * np.arctan(11.0 / 30.0), rel=1e-6)
    assert picture.field_of_view({0xA405: "wide"}, 1600, 1065, False) is None


def test_color_profile_is_applied(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = picture.load(saved(tmp_path / "a.png", Image.fromarray(gradient()), icc_profile=lab))
    np.testing.assert_allclose(plain.rgb * 255, gradient(), atol=3)
    broken = picture.load(saved(tmp_path / "b.png", Image.fromarray(gradient()), icc_profile=b"no profile at all"))
    np.testing.assert_allclose(broken.rgb * 255, gradient(), atol=0.01)


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (120, 90), color) for color in ("red", "blue")]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert picture.load(path).rgb[45, 60].argmax() == 0


def test_large_pictures_are_reduced(tmp_path: Path) -> None:
    loaded = picture.load(saved(tmp_path / "a.jpg", Image.fromarray(gradient(4000, 2500))))
    assert loaded.rgb.shape == (1000, 1600, 3) and loaded.original_size == (4000, 2500)


def test_what_is_no_picture(tmp_path: Path) -> None:
    for name, content in (("text.jpg", b"hello"), ("empty.png", b""), ("half.png", b"\x89PNG\r\n\x1a\n1234")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadablePicture, match=name):
            picture.load(tmp_path / name)
    with pytest.raises(UnreadablePicture, match="no file"):
        picture.load(tmp_path / "absent.jpg")
    with pytest.raises(UnreadablePicture, match="folder"):
        picture.load(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_cut_off_files(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    (tmp_path / "cut").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    with pytest.raises(UnreadablePicture, match="cut"):
        picture.load(tmp_path / "cut")


def test_too_small_and_too_long(tmp_path: Path) -> None:
    for size in ((1, 1), (400, 40)):
        with pytest.raises(PictureTooSmall):
            picture.load(saved(tmp_path / "a.png", Image.new("RGB", size)))
    with pytest.raises(BadPicture, match="strip"):
        picture.load(saved(tmp_path / "a.png", Image.new("RGB", (1000, 100))))


@pytest.mark.parametrize("size", [(20000, 20000), (20000, 9000)])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", size).save(path)
    with pytest.raises(PictureTooLarge, match="megapixels"):
        picture.load(path)
