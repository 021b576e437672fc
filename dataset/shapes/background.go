package shapes

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/random"
)

// tremble is how far the background strays from its mean place, in pixels: two
// frames differ by at most twice as much. The model's background does not
// move, so what moves more is lost to it.
const tremble = 0.5

// ripple is one wave of the background's texture.
type ripple struct {
	kx, ky, phase float64 // radians per scene unit, radians
	tint          colour
}

// glow is a soft spot of light or shade.
type glow struct {
	at   point
	r    float64
	tint colour
}

// background is a dull wall above a floor, both textured.
type background struct {
	wall, fade colour // colour at the middle, change towards the bottom
	floor      float64
	floorTint  colour
	ripples    [5]ripple
	glows      [4]glow
	x, y       wave // the tremble in pixels, by frame
}

func newBackground(r *random.Rand) background {
	grey := func(amount, hue float64) colour {
		g := r.Uniform(-amount, amount)
		return colour{g + r.Uniform(-hue, hue), g + r.Uniform(-hue, hue), g + r.Uniform(-hue, hue)}
	}
	b := background{
		floor: r.Uniform(0.27, 0.34),
		fade:  grey(0.10, 0.03),
	}
	light := r.Uniform(0.50, 0.68)
	hue := grey(0, 0.05)
	shade := r.Uniform(0.06, 0.12)
	for i := range b.wall {
		b.wall[i] = light + hue[i]
		b.floorTint[i] = -shade
	}
	for i := range b.ripples {
		long := r.Uniform(0.16, 0.60)
		if i == 0 {
			long = r.Uniform(0.16, 0.22)
		}
		turn := r.Uniform(0, 2*math.Pi)
		d := down(turn).times(2 * math.Pi / long)
		strength := 0.008 + 0.030*long
		b.ripples[i] = ripple{d.x, d.y, r.Uniform(0, 2*math.Pi), grey(strength, 0.5*strength)}
	}
	for i := range b.glows {
		b.glows[i] = glow{
			at: point{r.Uniform(-0.5, 0.5), r.Uniform(-0.5, 0.3)},
			r:  r.Uniform(0.12, 0.28), tint: grey(0.09, 0.03),
		}
	}
	phase := r.Float64()
	rate := r.Uniform(0.8, 1.4) / 24
	b.x = wave{0, tremble, rate, phase}
	b.y = wave{0, tremble, rate, phase + 0.25}
	return b
}

// shift gives the displacement of the background at frame t, in pixels.
func (b *background) shift(t int) point {
	return point{b.x.at(float64(t)), b.y.at(float64(t))}
}

// draw writes the background of frame t into c, [H,W,3].
func (b *background) draw(c []float32, view view, t int) {
	shift := b.shift(t).times(view.pixel)
	xs, ys := make([]float64, view.w), make([]float64, view.h)
	for i := range xs {
		xs[i] = view.x(i) - shift.x
	}
	for j := range ys {
		ys[j] = view.y(j) - shift.y
	}
	// cos(kx*x + ky*y + phase) from tables of one axis each.
	waves := len(b.ripples)
	tx := make([][2]float64, view.w*waves)
	for i, x := range xs {
		for k, rp := range b.ripples {
			tx[i*waves+k][1], tx[i*waves+k][0] = math.Sincos(rp.kx * x)
		}
	}
	ty := make([][2]float64, waves)
	for j, y := range ys {
		for k, rp := range b.ripples {
			ty[k][1], ty[k][0] = math.Sincos(rp.ky*y + rp.phase)
		}
		row := b.row(y, view.pixel)
		for i, x := range xs {
			sum := row
			for k := range b.ripples {
				wx := &tx[i*waves+k]
				v := wx[0]*ty[k][0] - wx[1]*ty[k][1]
				tint := &b.ripples[k].tint
				sum[0] += v * tint[0]
				sum[1] += v * tint[1]
				sum[2] += v * tint[2]
			}
			b.addGlows(&sum, x, y)
			o := 3 * (j*view.w + i)
			c[o], c[o+1], c[o+2] = float32(sum[0]), float32(sum[1]), float32(sum[2])
		}
	}
}

// row gives what all pixels at height y share: wall, gradient and floor.
func (b *background) row(y, pixel float64) colour {
	c := b.wall
	floor := smooth(b.floor-0.5*pixel, b.floor+max(0.03, pixel), y)
	for i := range c {
		c[i] += b.fade[i]*2*y + b.floorTint[i]*floor
	}
	return c
}

func (b *background) addGlows(c *colour, x, y float64) {
	for k := range b.glows {
		g := &b.glows[k]
		dx, dy := x-g.at.x, y-g.at.y
		q := 1 - (dx*dx+dy*dy)/(g.r*g.r)
		if q <= 0 {
			continue
		}
		q *= q
		c[0] += q * g.tint[0]
		c[1] += q * g.tint[1]
		c[2] += q * g.tint[2]
	}
}
