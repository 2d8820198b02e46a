import io

from PIL import Image, ImageDraw, ImageFilter, ImageFont


def smoke():
    image = Image.new("RGB", (40, 30), "white")
    ImageDraw.Draw(image).rectangle([5, 5, 20, 20], fill=(255, 0, 0))
    for form in ("PNG", "JPEG", "GIF", "WEBP", "TIFF"):
        out = io.BytesIO()
        image.save(out, form)
        back = Image.open(io.BytesIO(out.getvalue()))
        assert back.size == (40, 30), form
        assert back.convert("RGB").getpixel((10, 10))[0] > 200
    small = image.resize((10, 10)).filter(ImageFilter.GaussianBlur(1)).rotate(90)
    assert small.getbbox() is not None
    font = ImageFont.load_default(12)
    ImageDraw.Draw(image).text((0, 0), "x", font=font, fill=0)
    try:
        Image.open(io.BytesIO(b"nonsense"))
    except Image.UnidentifiedImageError:
        pass
    else:
        raise AssertionError("an image?")
    from PIL import features

    assert features.check("jpg")
    assert isinstance(features.version_module("pil"), str)
    return [image, font, small]
