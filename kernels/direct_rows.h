// How direct products see a map: rows with the zeros around them, copied to a
// band in cache, where the pixels under one row of the kernel are neighbours.

#ifndef PRIORITYCUT_KERNELS_DIRECT_ROWS_H_
#define PRIORITYCUT_KERNELS_DIRECT_ROWS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/methods.h"

namespace prioritycut {
namespace kernels {

// Rows shorter than this are not worth a product each: all pixels under the
// kernel are copied for each output instead.
constexpr int64_t kNarrow = 8;
// Floats of a band, and of one that would hold but a row or two of outputs:
// each band copies the rows that it shares with the next one.
constexpr int64_t kBand = 96 * 1024;
constexpr int64_t kWideBand = 224 * 1024;

// A convolution's rows, counted over all images: row i of the outputs is row
// i % height of image i / height.
class Rows {
 public:
  Rows(const ConvShape& s, const float* x) : Rows(s, x, s.before) {}
  // With other zeros before a row's first pixel than before the first row.
  Rows(const ConvShape& s, const float* x, int64_t before)
      : s_(s),
        x_(x),
        before_(before),
        height_(s.OutHeight()),
        width_(s.OutWidth()),
        run_(s.kernel * s.in),
        narrow_(width_ < kNarrow) {
    padded_ = (width_ + s.kernel - 1) * s.in;
    window_ = OddLines(s.kernel * run_);
  }

  bool narrow() const { return narrow_; }
  int64_t total() const { return s_.batch * height_; }
  int64_t width() const { return width_; }
  // Stride of pixels, of the kernel's rows and of outputs' rows in a band.
  int64_t pixel() const { return narrow_ ? window_ : s_.in; }
  int64_t line() const { return narrow_ ? width_ * window_ : padded_; }
  // A sum is over outer() runs of run() values, which lie outer_step() apart.
  int64_t outer() const { return narrow_ ? 1 : s_.kernel; }
  int64_t run() const { return narrow_ ? s_.kernel * run_ : run_; }
  int64_t outer_step() const { return narrow_ ? 0 : padded_; }

  // Rows of outputs that fit into one band.
  int64_t BandRows() const {
    const int64_t extra = narrow_ ? 0 : s_.kernel - 1;
    const int64_t wide = std::min(kWideBand / line() - extra, extra);
    return std::max<int64_t>({kBand / line() - extra, wide, 1});
  }
  // Floats of a band for so many rows; vectors may read a little past the end.
  int64_t BandFloats(int64_t rows, int64_t slack) const {
    return (rows + (narrow_ ? 0 : s_.kernel - 1)) * line() + slack;
  }
  // The end of the band that begins at a row: bands end with their image,
  // unless they are narrow.
  int64_t BandEnd(int64_t row, int64_t rows) const {
    int64_t end = std::min(row + rows, total());
    if (!narrow_) end = std::min(end, (row / height_ + 1) * height_);
    return end;
  }

  void Copy(int64_t row, int64_t end, float* band) const {
    if (narrow_) {
      for (; row < end; ++row, band += line()) CopyWindows(row, band);
      return;
    }
    const int64_t image = row / height_, first = row % height_;
    const int64_t lines = end - row + s_.kernel - 1;
    for (int64_t i = 0; i < lines; ++i) {
      CopyLine(image, first + i - s_.before, -before_, padded_ / s_.in,
               band + i * padded_);
    }
  }

 private:
  // Pixels [column, column + count) of a line, zeros where there are none.
  void CopyLine(int64_t image, int64_t line, int64_t column, int64_t count,
                float* to) const {
    const int64_t c = s_.in, times = s_.upsample ? 2 : 1;
    if (line < 0 || line >= times * s_.height) {
      std::fill(to, to + count * c, 0.0f);
      return;
    }
    const float* from = x_ + (image * s_.height + line / times) * s_.width * c;
    const int64_t width = times * s_.width;
    const int64_t left = std::clamp<int64_t>(-column, 0, count);
    const int64_t end = std::clamp<int64_t>(width - column, left, count);
    std::fill(to, to + left * c, 0.0f);
    if (times == 1) {
      std::memcpy(to + left * c, from + (column + left) * c,
                  (end - left) * c * sizeof(float));
    } else {
      for (int64_t i = left; i < end; ++i) {
        std::memcpy(to + i * c, from + (column + i) / 2 * c, c * sizeof(float));
      }
    }
    std::fill(to + end * c, to + count * c, 0.0f);
  }

  void CopyWindows(int64_t row, float* to) const {
    const int64_t image = row / height_, first = row % height_;
    for (int64_t j = 0; j < width_; ++j, to += window_) {
      for (int a = 0; a < s_.kernel; ++a) {
        CopyLine(image, first + a - s_.before, j - before_, s_.kernel,
                 to + a * run_);
      }
      // Whole vectors read on behind the last value, against zeros: what is
      // left there from other work may be no number.
      std::fill(to + s_.kernel * run_, to + window_, 0.0f);
    }
  }

  const ConvShape& s_;
  const float* x_;
  const int64_t before_;
  const int64_t height_, width_, run_;
  const bool narrow_;
  int64_t padded_, window_;
};

// Divides total into parts of equal size, at most `most` each.
inline int64_t EvenParts(int64_t total, int64_t most) {
  const int64_t parts = (total + most - 1) / most;
  return (total + parts - 1) / parts;
}

}  // namespace kernels
}  // namespace prioritycut

#endif  // PRIORITYCUT_KERNELS_DIRECT_ROWS_H_
