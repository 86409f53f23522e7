package handlers

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Whatever colour a tenant gives, text in the accent is readable on every surface of the portal, and text on the brand
// colour and on the accent too (WCAG 2.2, 1.4.3 AA).
func TestNoColorMakesAnUnreadablePortal(t *testing.T) {
	colors := []string{"#000000", "#ffffff", "#ffff00", "#00ff00", "#0000ff", "#ff0000", "#808080", "#7c3aed", defaultColor}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		colors = append(colors, fmt.Sprintf("#%06x", random.IntN(1<<24)))
	}
	for _, s := range colors {
		brand, ok := parseHex(s)
		if !ok || brand.hex() != s {
			t.Fatalf("%s is read as %s", s, brand.hex())
		}
		for name, pair := range map[string][2]rgb{"light": {accent(brand, lightSurface, -1), lightSurface}, "dark": {accent(brand, darkSurface, 1), darkSurface}} {
			shown, _ := parseHex(pair[0].hex()) // as the browser gets it
			if c := contrast(shown, pair[1]); c < 4.5 {
				t.Errorf("%s: %s accent %s has a contrast of %.2f", s, name, pair[0].hex(), c)
			}
			on, _ := parseHex(textOn(shown))
			if c := contrast(on, shown); c < 4.5 {
				t.Errorf("%s: text on the %s accent has a contrast of %.2f", s, name, c)
			}
		}
		if c := math.Max(contrast(brand, rgb{}), contrast(brand, rgb{1, 1, 1})); c < 4.5 {
			t.Errorf("%s: text on it has a contrast of %.2f", s, c)
		}
	}
}

func TestBrandFallsBackWhereTheColorIsNone(t *testing.T) {
	for _, s := range []string{"", "red", "#fff", "#12345g", "#0f766e;}body{display:none"} {
		if brandCSS(s) != brandCSS(defaultColor) {
			t.Errorf("%q reaches the style sheet", s)
		}
	}
}
