"""Shared parts of displaCy drawings: label colors, and trees without the empty space above them."""

import re

# Light, so that dark letters are readable on them.
TINTS = ("#BFDDF0", "#F7D0B5", "#BFE6D9", "#EBD3E1", "#F8E3B0", "#D3EBF8", "#E0E0E0")


def cropped_tree(svg: str) -> str:
    """Removes the empty space that displaCy leaves above compact arcs."""
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    width, height = (float(number) for number in found.groups())
    paths = re.findall(r'class="displacy-arc"[^>]* d="([^"]+)"', svg)
    heights = [float(place) for path in paths for place in re.findall(r",(-?[\d.]+)", path)]
    top = min(heights, default=height - 80) - 6
    box = f'width="{width:.0f}" height="{height - top:.0f}" viewBox="0 {top:.0f} {width:.0f} {height - top:.0f}"'
    svg = svg.replace(found.group(0), box, 1)
    return re.sub(r'style="max-width: none; height: [\d.]+px; ', 'style="', svg, count=1)
