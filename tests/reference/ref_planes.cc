// SPDX-License-Identifier: Apache-2.0
#include "tests/reference/ref_planes.h"

#include <algorithm>
#include <cmath>

namespace pixloom::reference {

std::vector<Plane> UnitPlanes(const Image64& image) {
  std::vector<Plane> planes;
  for (int c = 0; c < ColourChannels(image); ++c) {
    planes.push_back(MakePlane(image.size.width, image.size.height,
                               [&](int x, int y) { return image.ToUnit(image.At(x, y, c)); }));
  }
  return planes;
}

void PutPlanes(const std::vector<Plane>& planes, Image64& image) {
  for (std::size_t c = 0; c < planes.size(); ++c) {
    for (int y = 0; y < image.size.height; ++y) {
      for (int x = 0; x < image.size.width; ++x) {
        image.At(x, y, static_cast<int>(c)) = image.FromUnit(planes[c].At(x, y));
      }
    }
  }
}

Plane LumaOf(const std::vector<Plane>& planes, int channels) {
  const bool colour = channels == 3 || channels == 4;
  const double weights[] = {0.299, 0.587, 0.114};
  return MakePlane(planes[0].width, planes[0].height, [&](int x, int y) {
    double sum = 0;
    for (std::size_t c = 0; c < planes.size(); ++c) {
      sum += planes[c].At(x, y) * (colour ? weights[c] : 1.0 / channels);
    }
    return sum;
  });
}

Plane ClampedUnit(Plane plane) {
  for (double& v : plane.v) v = std::clamp(v, 0.0, 1.0);
  return plane;
}

Plane WindowMean(const Plane& plane, int radius) {
  // The mean over a rectangle is the mean of the means of its rows.
  const auto along = [&](const Plane& in, bool x_axis) {
    return MakePlane(in.width, in.height, [&](int x, int y) {
      double sum = 0;
      int count = 0;
      for (int d = -radius; d <= radius; ++d) {
        const int at_x = x_axis ? x + d : x;
        const int at_y = x_axis ? y : y + d;
        if (at_x < 0 || at_y < 0 || at_x >= in.width || at_y >= in.height) continue;
        sum += in.At(at_x, at_y);
        ++count;
      }
      return sum / count;
    });
  };
  return along(along(plane, true), false);
}

Plane WindowLeast(const Plane& plane, int radius) {
  return MakePlane(plane.width, plane.height, [&](int x, int y) {
    double least = plane.At(x, y);
    for (int v = std::max(y - radius, 0); v <= std::min(y + radius, plane.height - 1); ++v) {
      for (int u = std::max(x - radius, 0); u <= std::min(x + radius, plane.width - 1); ++u) {
        least = std::min(least, plane.At(u, v));
      }
    }
    return least;
  });
}

Plane Guided(const Plane& guide, const Plane& plane, int radius, double epsilon) {
  const auto product = [](double a, double b) { return a * b; };
  const Plane mean_i = WindowMean(guide, radius);
  const Plane mean_p = WindowMean(plane, radius);
  const Plane mean_ip = WindowMean(Combined(guide, plane, product), radius);
  const Plane mean_ii = WindowMean(Combined(guide, guide, product), radius);
  const auto slope = [&](int x, int y) {
    const double shared = mean_ip.At(x, y) - mean_i.At(x, y) * mean_p.At(x, y);
    return shared / (mean_ii.At(x, y) - mean_i.At(x, y) * mean_i.At(x, y) + epsilon);
  };
  const Plane a = MakePlane(guide.width, guide.height, slope);
  const Plane b = MakePlane(guide.width, guide.height, [&](int x, int y) {
    return mean_p.At(x, y) - a.At(x, y) * mean_i.At(x, y);
  });
  const Plane mean_a = WindowMean(a, radius);
  const Plane mean_b = WindowMean(b, radius);
  return MakePlane(guide.width, guide.height, [&](int x, int y) {
    return mean_a.At(x, y) * guide.At(x, y) + mean_b.At(x, y);
  });
}

int RadiusOf(double fraction, Size size) {
  const double side = fraction * std::min(size.width, size.height);
  return std::max(1, static_cast<int>(std::floor(side / 2 + 0.5)));
}

double FromBelow(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

double FromAbove(std::vector<double> values, double share) {
  std::sort(values.rbegin(), values.rend());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace pixloom::reference
