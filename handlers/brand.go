package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

// A tenant gives one colour; everything that must be readable is computed from it here, so that no tenant can make an
// unreadable portal. Colours are searched in OKLCH (Björn Ottosson, "A perceptual color space for image processing",
// 2020), where changing the lightness keeps the hue; contrast is WCAG 2.2's.

// defaultColor is used where a tenant has none, or one that is not a colour.
const defaultColor = "#0f766e"

// readable is WCAG's minimum contrast of text (1.4.3, AA). minContrast leaves room for rounding to bytes.
const minContrast = 4.55

type rgb [3]float64 // linear light, 0 to 1

type lch struct{ l, c, h float64 }

// The portal's own surfaces, on which the accent must be readable: the darkest light one and the lightest dark one.
var (
	lightSurface = lch{.963, .005, 255}.rgb()
	darkSurface  = lch{.255, .014, 260}.rgb()
)

// brandCSS returns the tenant's style sheet.
func brandCSS(color string) string {
	brand, ok := parseHex(color)
	if !ok {
		color = defaultColor
		brand, _ = parseHex(color)
	}
	fg := "#ffffff"
	if white, black := contrast(brand, rgb{1, 1, 1}), contrast(brand, rgb{}); black > white {
		fg = "#000000"
	}
	light, dark := accent(brand, lightSurface, -1), accent(brand, darkSurface, 1)
	return fmt.Sprintf(`:root{--brand:%s;--brand-fg:%s;--accent:light-dark(%s,%s);--accent-fg:light-dark(%s,%s);`+
		`--accent-soft:light-dark(color-mix(in oklch,%s 12%%,#fff),color-mix(in oklch,%s 14%%,oklch(.21 .013 260)))}`+"\n",
		brand.hex(), fg, light.hex(), dark.hex(), textOn(light), textOn(dark), light.hex(), dark.hex())
}

// brandVersion names a style sheet's contents in its address.
func brandVersion(color string) string {
	sum := sha256.Sum256([]byte(brandCSS(color)))
	return hex.EncodeToString(sum[:6])
}

// textOn is black or white, whichever is easier to read on c.
func textOn(c rgb) string {
	if contrast(c, rgb{}) > contrast(c, rgb{1, 1, 1}) {
		return "#000000"
	}
	return "#ffffff"
}

// accent is the brand's colour with the lightness nearest to its own at which it is readable on the surface; dir says
// which way to go.
func accent(brand, surface rgb, dir float64) rgb {
	c := brand.lch()
	c.c = math.Min(c.c, .2)
	for ; c.l >= 0 && c.l <= 1; c.l += dir * .005 {
		if got := c.rgb(); contrast(got, surface) >= minContrast {
			return got
		}
	}
	if dir > 0 {
		return rgb{1, 1, 1}
	}
	return rgb{}
}

func parseHex(s string) (rgb, bool) {
	if len(s) != 7 || s[0] != '#' {
		return rgb{}, false
	}
	n, err := strconv.ParseUint(s[1:], 16, 32)
	if err != nil {
		return rgb{}, false
	}
	var c rgb
	for i := range c {
		c[i] = linear(float64(n>>(16-8*i)&0xff) / 255)
	}
	return c, true
}

func (c rgb) hex() string {
	var n [3]int
	for i := range c {
		n[i] = int(math.Round(gamma(min(1, max(0, c[i]))) * 255))
	}
	return fmt.Sprintf("#%02x%02x%02x", n[0], n[1], n[2])
}

// The sRGB transfer function and its inverse (IEC 61966-2-1).
func linear(v float64) float64 {
	if v <= .04045 {
		return v / 12.92
	}
	return math.Pow((v+.055)/1.055, 2.4)
}

func gamma(v float64) float64 {
	if v <= .0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - .055
}

// contrast is the WCAG contrast ratio of two colours, 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func (c rgb) luminance() float64 {
	in := func(v float64) float64 { return min(1, max(0, v)) }
	return .2126*in(c[0]) + .7152*in(c[1]) + .0722*in(c[2])
}

func (c rgb) lch() lch {
	l := math.Cbrt(.4122214708*c[0] + .5363325363*c[1] + .0514459929*c[2])
	m := math.Cbrt(.2119034982*c[0] + .6806995451*c[1] + .1073969566*c[2])
	s := math.Cbrt(.0883024619*c[0] + .2817188376*c[1] + .6299787005*c[2])
	a := 1.9779984951*l - 2.4285922050*m + .4505937099*s
	b := .0259040371*l + .7827717662*m - .8086757660*s
	return lch{.2104542553*l + .7936177850*m - .0040720468*s, math.Hypot(a, b), math.Atan2(b, a) * 180 / math.Pi}
}

func (c lch) rgb() rgb {
	a, b := c.c*math.Cos(c.h*math.Pi/180), c.c*math.Sin(c.h*math.Pi/180)
	l, m, s := c.l+.3963377774*a+.2158037573*b, c.l-.1055613458*a-.0638541728*b, c.l-.0894841775*a-1.2914855480*b
	l, m, s = l*l*l, m*m*m, s*s*s
	return rgb{4.0767416621*l - 3.3077115913*m + .2309699292*s, -1.2684380046*l + 2.6097574011*m - .3413193965*s, -.0041960863*l - .7034186147*m + 1.7076147010*s}
}
