#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what exported sets say on their pictures, to look at: export_sheet.py FOLDER SHEET.png

FOLDER is what the pipeline of export_test.py writes.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree

from PIL import Image, ImageDraw

from export_test import CLASSES, decode_runs, ring_of


def contact_sheet(folder, path):
    colours = ["red", "lime", "cyan", "magenta", "yellow", "orange", "white", "deepskyblue"]
    names = sorted(p.stem for p in (folder / "detect/labels").iterdir())[:8]
    tiles = []
    index = json.loads((folder / "coco/annotations.json").read_text())
    ids = {i["file_name"].removesuffix(".png"): i["id"] for i in index["images"]}
    for name in names:
        def picture():
            image = Image.open(folder / f"coco/images/{name}.png").convert("RGB")
            image = image.resize((2 * image.width, 2 * image.height))
            return image, ImageDraw.Draw(image)
        image, draw = picture()
        for a in index["annotations"]:
            if a["image_id"] != ids[name]:
                continue
            colour = colours[a["category_id"] - 1]
            x, y, w, h = (2 * v for v in a["bbox"])
            draw.rectangle([x, y, x + w, y + h], outline=colour)
            if isinstance(a["segmentation"], list):
                for part in a["segmentation"]:
                    draw.polygon([2 * v for v in part], outline=colour)
            else:
                mask = decode_runs(a["segmentation"])
                image.paste(colour, mask=Image.fromarray(mask).resize(image.size))
            for kx, ky, v in zip(*[iter(a["keypoints"])] * 3):
                if v:
                    draw.ellipse([2 * kx - 3, 2 * ky - 3, 2 * kx + 3, 2 * ky + 3], fill=colour)
        tiles.append(image)
        for task in "segment", "obb":
            image, draw = picture()
            for line in (folder / f"{task}/labels/{name}.txt").read_text().splitlines():
                label, *numbers = line.split()
                points = [(float(x) * image.width, float(y) * image.height)
                          for x, y in ring_of(numbers)]
                draw.polygon(points, outline=colours[int(label)])
            tiles.append(image)
        image, draw = picture()
        tree = xml.etree.ElementTree.parse(folder / f"voc/Annotations/{name}.xml").getroot()
        for o in tree.findall("object"):
            x1, y1, x2, y2 = (int(o.findtext(f"bndbox/{k}"))
                              for k in ("xmin", "ymin", "xmax", "ymax"))
            draw.rectangle([2 * (x1 - 1), 2 * (y1 - 1), 2 * x2 - 1, 2 * y2 - 1],
                           outline=colours[CLASSES.index(o.findtext("name"))])
        tiles.append(image)
        mask = folder / f"voc/SegmentationClass/{name}.png"
        tiles.append(Image.open(mask).convert("RGB").resize(image.size) if mask.exists()
                     else Image.new("RGB", image.size, "gray"))
    w, h = tiles[0].size
    sheet = Image.new("RGB", (5 * (w + 4), len(names) * (h + 4)), "black")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % 5 * (w + 4), i // 5 * (h + 4)))
    sheet.save(path)


if __name__ == "__main__":
    contact_sheet(pathlib.Path(sys.argv[1]), sys.argv[2])
