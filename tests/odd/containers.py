"""Films in many containers and codecs, as cameras, recorders, discs and web sites make them."""

from pathlib import Path

from media.clips import run

from odd.case import Film, case, cases
from odd.making import AAC, X264, beeps, encode, url, with_sound
from odd.picture import COUNT, grey_of, picture

HEARD = Film(sound=1)
IN_BOTH = ("", "film.mp4")


@cases("good.mp4", HEARD, ("", "film.mp4", "film.mov", "film.webm"))
def good(path: Path) -> None:
    with_sound(path)


for output, fidelity in (("film.gif", 24.0), ("film.webp", 30.0), ("frames", 34.0)):
    case("good.mp4", Film(fidelity=fidelity, said="left out"), output=output)(with_sound)


@cases("fragmented.mp4", HEARD, IN_BOTH)
def fragmented(path: Path) -> None:
    with_sound(path, *AAC, "-movflags", "frag_keyframe+empty_moov+default_base_moof")


@case("piped.mkv", HEARD)
def piped(path: Path) -> None:
    """As a recorder that was not ended properly writes it: no length, no index."""
    with_sound(path.with_name("whole.mkv"))
    path.write_bytes(run("-i", url(path.with_name("whole.mkv")), "-c", "copy", "-f", "matroska", "-"))


@case("raw.h264", Film())
def raw_h264(path: Path) -> None:
    encode(path, *X264, "-bf", "2")


@case("twice.h264", Film(shows=tuple(range(COUNT)) * 2))
def concatenated(path: Path) -> None:
    encode(path)
    path.write_bytes(path.read_bytes() * 2)


@case("raw.hevc", Film())
def raw_hevc(path: Path) -> None:
    encode(path, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "12", "-x265-params", "log-level=error")


@case("raw.obu", Film(fidelity=30))
def raw_av1(path: Path) -> None:
    encode(path, "-c:v", "libsvtav1", "-preset", "12", "-crf", "20", "-f", "obu")


@case("web.ivf", Film(fidelity=30))
def ivf(path: Path) -> None:
    encode(path, "-c:v", "libvpx", "-b:v", "2M")


@case("camera.mjpeg", Film(fidelity=30))
def motion_jpeg(path: Path) -> None:
    """JPEGs one after the other, as network cameras send them."""
    encode(path, "-c:v", "mjpeg", "-q:v", "2", "-f", "mjpeg")


@case("frames.y4m", Film(fidelity=38))
def y4m(path: Path) -> None:
    encode(path, "-pix_fmt", "yuv420p")


@cases("disc.vob", HEARD, IN_BOTH)
def disc(path: Path) -> None:
    with_sound(path, "-c:a", "ac3", video=("-c:v", "mpeg2video", "-q:v", "2", "-bf", "2"))


@cases("disc.m2ts", HEARD, IN_BOTH)
def camcorder(path: Path) -> None:
    with_sound(path, "-c:a", "pcm_bluray", "-f", "mpegts", "-mpegts_m2ts_mode", "1")


@cases("broadcast.ts", HEARD, IN_BOTH)
def broadcast(path: Path) -> None:
    with_sound(path, "-c:a", "mp2")


@case("old.mpg", HEARD)
def old(path: Path) -> None:
    with_sound(path, "-c:a", "mp2", video=("-c:v", "mpeg1video", "-q:v", "2"))


@cases("camera.avi", HEARD, IN_BOTH)
def avi(path: Path) -> None:
    """As pocket cameras had it: Motion JPEG of full range, 8 bit sound."""
    with_sound(path, "-c:a", "pcm_u8", video=("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj422p"))


@case("packed.avi", HEARD)
def packed(path: Path) -> None:
    with_sound(path, "-c:a", "ac3", video=("-c:v", "mpeg4", "-q:v", "2", "-bf", "0", "-tag:v", "XVID"))


@cases("tape.dv", Film(size=(720, 576), sar="16/15", sound=1), ("", "film.mp4"))
def tape(path: Path) -> None:
    shown = [picture(number, 576, 720) for number in range(COUNT)]
    sound = beeps(path.with_name("stereo.wav"), channels=2)
    with_sound(path, "-c:a", "pcm_s16le", video=("-aspect", "4:3", "-pix_fmt", "yuv420p"), shown=shown, sound=sound)


@cases("phone.3gp", Film(sound=1, size=(176, 144), sar="12/11", fidelity=30), ("", "film.mp4"))
def old_phone(path: Path) -> None:
    shown = [picture(number, 144, 176) for number in range(COUNT)]
    with_sound(path, *AAC, video=("-c:v", "h263", "-q:v", "2"), shown=shown)


@case("stream.flv", HEARD)
def flv(path: Path) -> None:
    with_sound(path)


@cases("windows.wmv", HEARD, IN_BOTH)
def wmv(path: Path) -> None:
    with_sound(path, "-c:a", "wmav2", video=("-c:v", "wmv2", "-q:v", "2"))


@cases("free.ogv", Film(sound=1, fidelity=30), IN_BOTH)
def ogv(path: Path) -> None:
    with_sound(path, "-c:a", "libvorbis", video=("-c:v", "libtheora", "-q:v", "10"))


@cases("studio.mxf", HEARD, IN_BOTH)
def mxf(path: Path) -> None:
    video = ("-c:v", "mpeg2video", "-q:v", "2", "-pix_fmt", "yuv422p", "-g", "1")
    with_sound(path, "-c:a", "pcm_s16le", video=video)


@case("clip.nut", HEARD)
def nut(path: Path) -> None:
    with_sound(path, "-c:a", "flac")


@case("web.webm", HEARD)
def webm(path: Path) -> None:
    video = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-crf", "15", "-b:v", "0")
    with_sound(path, "-c:a", "libopus", video=video)


@case("chrome.webm", HEARD)
def recorded_in_a_browser(path: Path) -> None:
    """H.264 in WebM without a length, as MediaRecorder writes it."""
    with_sound(path.with_name("a.mkv"), "-c:a", "libopus")
    path.write_bytes(run("-i", url(path.with_name("a.mkv")), "-c", "copy", "-f", "matroska", "-live", "1", "-"))


INTERMEDIATE = {
    "prores.mov": ("-c:v", "prores_ks", "-profile:v", "3", "-pix_fmt", "yuv422p10le"),
    "cineform.mov": ("-c:v", "cfhd", "-pix_fmt", "yuv422p10le"),
    "huffyuv.avi": ("-c:v", "huffyuv", "-pix_fmt", "rgb24"),
    "utvideo.avi": ("-c:v", "utvideo", "-pix_fmt", "gbrp"),
    "magicyuv.mkv": ("-c:v", "magicyuv", "-pix_fmt", "yuv444p"),
    "raw_rgb.avi": ("-c:v", "rawvideo", "-pix_fmt", "bgr24"),
    "raw_uyvy.mov": ("-c:v", "rawvideo", "-pix_fmt", "uyvy422"),
    "v210.mov": ("-c:v", "v210", "-pix_fmt", "yuv422p10le"),
    "jpeg2000.mxf": ("-c:v", "libopenjpeg", "-pix_fmt", "yuv422p10le"),
    "png.mov": ("-c:v", "png", "-pix_fmt", "rgb24"),
    "h264_rgb.mkv": ("-c:v", "libx264rgb", "-crf", "0", "-pix_fmt", "rgb24"),
    "h264_422_10.mp4": ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "yuv422p10le"),
    "hevc_hvc1.mp4": ("-c:v", "libx265", "-crf", "10", "-tag:v", "hvc1", "-x265-params", "log-level=error"),
    "av1.mp4": ("-c:v", "libsvtav1", "-preset", "10", "-crf", "15"),
    "screen.avi": ("-c:v", "zmbv", "-pix_fmt", "bgr0"),
    "flash_screen.flv": ("-c:v", "flashsv", "-pix_fmt", "bgr24"),
    "open_gop.mp4": ("-c:v", "libx264", "-crf", "12", "-bf", "4", "-g", "12", "-x264-params", "open-gop=1"),
    "intra_refresh.mp4": ("-c:v", "libx264", "-crf", "12", "-x264-params", "intra-refresh=1"),
}
for file, how in INTERMEDIATE.items():
    case(file, Film(fidelity=33))(lambda path, how=how: encode(path, *how))


@case("dnxhr.mov", Film(shows=(0, 1, 2, 3), size=(320, 192)))
def dnxhr(path: Path) -> None:
    shown = [picture(number, 192, 320) for number in range(4)]
    bt709 = ("-vf", "scale=out_color_matrix=bt709")  # as the codec itself says
    encode(path, *bt709, "-c:v", "dnxhd", "-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p", shown=shown)


CRUDE = {
    "cinepak.mov": ("-c:v", "cinepak", "-q:v", "1"),
    "rle.avi": ("-c:v", "msrle", "-pix_fmt", "pal8"),
    "video1.avi": ("-c:v", "msvideo1", "-pix_fmt", "rgb555le"),
    "quicktime_555.mov": ("-c:v", "qtrle", "-pix_fmt", "rgb555be"),
    "yuv410.avi": ("-c:v", "rawvideo", "-pix_fmt", "yuv410p"),
    "yuv411.avi": ("-c:v", "rawvideo", "-pix_fmt", "yuv411p"),
    "yuv410_ffv1.mkv": ("-c:v", "ffv1", "-pix_fmt", "yuv410p"),
    "svq1.mov": ("-c:v", "svq1", "-q:v", "1"),
}
for file, how in CRUDE.items():
    case(file, Film(fidelity=24))(lambda path, how=how: encode(path, *how))

GREY = {
    "grey.mp4": ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "gray"),
    "grey_10.mkv": ("-c:v", "libx264", "-crf", "10", "-pix_fmt", "gray10le"),
    "grey_16.mkv": ("-c:v", "ffv1", "-pix_fmt", "gray16le"),
    "grey.avi": ("-c:v", "rawvideo", "-pix_fmt", "gray"),
}
for file, how in GREY.items():
    case(file, Film(colours=grey_of()))(lambda path, how=how: encode(path, *how))
