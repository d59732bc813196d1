package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The plots are SVG with the fonts of whoever looks at them, and follow a dark page.
const (
	plotWidth  = 760
	labelWidth = 265
	valueWidth = 90
	rowHeight  = 24
	topHeight  = 40
	axisHeight = 26
)

const style = `<style>
text { font: 13px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.axis { fill: #656d76; font-size: 11px; }
.ours { fill: #0969da; stroke: #0969da; }
.others { fill: #9aa4af; stroke: #9aa4af; }
.grid { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .axis { fill: #8d96a0; }
  .ours { fill: #4493f8; stroke: #4493f8; }
  .others { fill: #6e7681; stroke: #6e7681; }
  .grid { stroke: #3d444d; }
}
</style>
`

// bar is one row of a plot. In a plot of ranges High is where the line ends.
type bar struct {
	Label       string
	Value, High float64
	Ours        bool
}

func (b bar) class() string {
	if b.Ours {
		return "ours"
	}
	return "others"
}

// bars draws lengths from zero.
func bars(title string, rows []bar, format func(float64) string) string {
	rows = known(rows)
	most := 0.0
	for _, r := range rows {
		most = max(most, r.Value)
	}
	return draw(title, len(rows), topHeight+rowHeight*len(rows)+8, func(b *strings.Builder) {
		for i, r := range rows {
			y := topHeight + rowHeight*i
			width := 0.0
			if most > 0 {
				width = r.Value / most * (plotWidth - labelWidth - valueWidth)
			}
			label(b, y, r)
			fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d"/>`+"\n", r.class(), labelWidth, y+3, width, rowHeight-8)
			value(b, labelWidth+width+6, y, format(r.Value))
		}
	})
}

// ranges draws each row from its Value, a dot, to its High, on a logarithmic axis.
func ranges(title string, rows []bar, format func(float64) string) string {
	rows = known(rows)
	low, high := math.Inf(1), math.Inf(-1)
	for _, r := range rows {
		low, high = min(low, r.Value), max(high, r.Value, r.High)
	}
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	at := func(v float64) float64 {
		return labelWidth + (math.Log10(v)-first)/max(1, last-first)*(plotWidth-labelWidth-2*valueWidth)
	}
	bottom := topHeight + rowHeight*len(rows)
	return draw(title, len(rows), bottom+axisHeight, func(b *strings.Builder) {
		for e := first; e <= last; e++ {
			x := at(math.Pow(10, e))
			fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", x, topHeight-4, x, bottom)
			fmt.Fprintf(b, `<text class="axis" text-anchor="middle" x="%.1f" y="%d">%s</text>`+"\n", x, bottom+16, html.EscapeString(format(math.Pow(10, e))))
		}
		for i, r := range rows {
			y := topHeight + rowHeight*i
			middle := y + rowHeight/2 - 1
			end := max(r.Value, r.High)
			label(b, y, r)
			fmt.Fprintf(b, `<line class="%s" stroke-width="3" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", r.class(), at(r.Value), middle, at(end), middle)
			fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%d" r="5"/>`+"\n", r.class(), at(r.Value), middle)
			value(b, at(end)+9, y, format(r.Value)+" – "+format(end))
		}
	})
}

func known(rows []bar) []bar {
	var out []bar
	for _, r := range rows {
		if !math.IsNaN(r.Value) && r.Value > 0 {
			out = append(out, r)
		}
	}
	return out
}

func draw(title string, rows, height int, body func(*strings.Builder)) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		plotWidth, height, plotWidth, height, html.EscapeString(title))
	b.WriteString(style)
	fmt.Fprintf(&b, `<text class="title" x="0" y="18">%s</text>`+"\n", html.EscapeString(title))
	if rows > 0 {
		body(&b)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func label(b *strings.Builder, y int, r bar) {
	fmt.Fprintf(b, `<text text-anchor="end" x="%d" y="%d">%s</text>`+"\n", labelWidth-10, y+rowHeight/2+3, html.EscapeString(r.Label))
}

func value(b *strings.Builder, x float64, y int, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`+"\n", x, y+rowHeight/2+3, html.EscapeString(text))
}
