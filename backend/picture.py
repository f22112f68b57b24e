"""The picture: what a file holds once orientation, color and depth are sorted out.

What may be strange and still works: 16 and 32 bit, grayscale, CMYK, palettes, embedded color profiles (turned into
sRGB), transparency (laid on white, like a page; what is cut out is sky nearly always), EXIF orientation, several frames
(the first counts). What is refused, each with one sentence: no picture, a damaged one, less than 64 pixels on a side,
more than 150 megapixels (decoded they take gigabytes), strips more than six times as long as wide.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from .contract.errors import BadPicture, PictureTooLarge, PictureTooSmall, UnreadablePicture
from .exif_lens import field_of_view

WORKING_SIDE_PX = 1600
SMALLEST_SIDE_PX = 64
MOST_PIXELS = 150_000_000
MOST_BYTES = 1 << 30
LONGEST_SHAPE = 6.0
_EXIF_IFD, _ORIENTATION = 0x8769, 0x0112


@dataclass(frozen=True)
class Picture:
    """An upright sRGB picture.

    rgb: float32 (H, W, 3), sRGB-encoded, 0..1.   path: where it came from.   sha256: of the file's bytes.
    exif_fov_x_rad: horizontal field of view from EXIF, or None.   original_size: (width, height) before any reduction.
    """

    rgb: np.ndarray
    path: Path
    sha256: str
    exif_fov_x_rad: float | None = None
    original_size: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.rgb.dtype != np.float32 or self.rgb.ndim != 3 or self.rgb.shape[2] != 3:
            raise ValueError("A picture is float32 (H, W, 3).")


def load(path: str | Path, working_side: int = WORKING_SIDE_PX) -> Picture:
    """Read a picture, upright, in sRGB, reduced so that its longer side is at most `working_side` pixels.

    Raises UnreadablePicture, PictureTooSmall, PictureTooLarge or BadPicture; each names the file.
    """
    path = Path(path)
    content = _content(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the limit is checked below
            image = Image.open(io.BytesIO(content))
    except Image.DecompressionBombError as problem:
        raise PictureTooLarge(_too_large(path)) from problem
    except MemoryError:
        raise
    except Exception as problem:  # a decoder meets whatever bytes there are: any failure means the same to the user
        raise UnreadablePicture(
            f"{path.name} is not a picture that can be read; use JPEG, PNG, TIFF, WebP or BMP.") from problem
    _check_size(path, image.size)
    try:
        turned, fov = _lens(image)
        rgb = _decode(image, working_side)
    except MemoryError:
        raise
    except Exception as problem:  # as above
        raise UnreadablePicture(f"{path.name} is damaged or cut off: its pixels cannot be read.") from problem
    size = image.info["stored_size"]
    return Picture(rgb, path, hashlib.sha256(content).hexdigest(), fov, size[::-1] if turned else size)


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise UnreadablePicture(f"{path.name} is a folder, not a picture.")
        if path.stat().st_size > MOST_BYTES:
            raise PictureTooLarge(f"{path.name} is larger than 1 GB; save it smaller and try again.")
        return path.read_bytes()
    except FileNotFoundError as problem:
        raise UnreadablePicture(f"There is no file {path}.") from problem
    except (OSError, ValueError) as problem:
        raise UnreadablePicture(f"{path.name} cannot be opened: {getattr(problem, 'strerror', problem)}.") from problem


def _too_large(path: Path) -> str:
    return (f"{path.name} has more than {MOST_PIXELS // 1_000_000} megapixels; reduce it to 4000 pixels on its longer "
            "side and try again.")


def _check_size(path: Path, size: tuple[int, int]) -> None:
    width, height = size
    if min(size) < SMALLEST_SIDE_PX:
        raise PictureTooSmall(f"{path.name} has {width} x {height} pixels; at least {SMALLEST_SIDE_PX} on each side are "
                              "needed to see a mountain.")
    if width * height > MOST_PIXELS:
        raise PictureTooLarge(_too_large(path))
    if max(size) > LONGEST_SHAPE * min(size):
        raise BadPicture(f"{path.name} is a strip of {width} x {height} pixels, which no camera takes at once; crop it to "
                         "the part that matters.")


def _lens(image: Image.Image) -> tuple[bool, float | None]:
    """Whether the picture is stored turned by a quarter, and its horizontal field of view. Broken EXIF says nothing."""
    try:
        exif = image.getexif()
        turned = exif.get(_ORIENTATION, 1) in (5, 6, 7, 8)
        return turned, field_of_view(exif.get_ifd(_EXIF_IFD), *image.size, turned)
    except Exception:  # EXIF is full of broken writers; a picture without it is a picture still
        return False, None


def _decode(image: Image.Image, side: int) -> np.ndarray:
    """float32 (H, W, 3) sRGB of the first frame, upright, reduced."""
    image.info["stored_size"] = image.size
    if image.format == "JPEG":
        image.draft(None, (2 * side, 2 * side))  # the decoder's own reduction: eight times less memory for large ones
    image.load()
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("I", "F") or upright.mode.startswith("I;16"):
        upright = _eight_bit_gray(upright)
    if upright.mode == "P" or "transparency" in upright.info:
        upright = upright.convert("RGBA")
    if upright.mode not in ("L", "RGB", "RGBA", "LA", "CMYK"):
        upright = upright.convert("RGBA" if upright.mode in ("PA", "La", "RGBa") else "RGB")
    scale = side / max(upright.size)
    if scale < 1.0:
        smaller = tuple(max(1, round(length * scale)) for length in upright.size)
        upright = upright.resize((smaller[0], smaller[1]), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if upright.mode in ("RGBA", "LA"):
        upright = upright.convert("RGBA")
        page = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(page, upright).convert("RGB")
    upright = _to_srgb(upright, profile)
    return np.asarray(upright, np.float32) / np.float32(255.0)


def _eight_bit_gray(image: Image.Image) -> Image.Image:
    """16 and 32 bit gray to 8 bit: integers by their nominal range, floats by 0..1, or by their own range beyond it."""
    values = np.nan_to_num(np.asarray(image, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = values.max(initial=0.0)
    if image.mode == "F":
        low = min(values.min(initial=0.0), 0.0)
        full = 1.0 if top <= 1.0 and low == 0.0 else max(top - low, 1e-12)
        values = (values - low) / full
    else:
        values = values / (65535.0 if top <= 65535 else float(top))
    return Image.fromarray(np.round(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply the embedded color profile; one that is broken or of another kind of color is ignored."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")
