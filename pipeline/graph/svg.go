package graph

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/infra"
)

// The measures of a picture, in its own units, which browsers show as pixels.
const (
	letter  = 7.3 // of a fixed width, 12 high
	padding = 12.0
	height  = 30.0
	between = 14.0 // spots of a layer
	apart   = 56.0 // layers
	longest = 48   // letters of a name; the whole name is its title
)

// SVG is the graph as a picture that stands alone: tables on the left, each view to the right of what it reads. It has no script,
// refers to nothing, and takes the colours of a dark or a light page.
func (g Graph) SVG() string {
	p := picture{}
	x, tallest := padding, 0
	layers := g.layers()
	for _, layer := range layers {
		tallest = max(tallest, len(layer))
	}
	p.middle = float64(tallest) * (height + between) / 2
	for _, layer := range layers {
		width := 0.0
		for _, s := range layer {
			width = max(width, widthOf(s))
		}
		for _, s := range layer {
			p.draw(s, x, width)
		}
		x += width + apart
	}
	return fmt.Sprintf(frame, x-apart+padding, 2*p.middle+padding) + p.edges.String() + p.boxes.String() + "</svg>\n"
}

const frame = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]g %[2]g" width="%[1]g" height="%[2]g" role="img" aria-label="which views read which">
<style>
text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2328}rect,path{stroke:#8c959f;stroke-width:1;fill:none}
.table rect{fill:#eaeef2}.remote rect{fill:#ddf4ff;stroke:#0969da}.local rect{fill:#dafbe1;stroke:#1a7f37}.unknown rect{stroke-dasharray:4 3}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.table rect{fill:#21262d}.remote rect{fill:#0c2d6b}.local rect{fill:#0f3d1f}}
</style>
`

type picture struct {
	edges, boxes strings.Builder
	middle       float64
	right        map[*spot]float64 // where edges that leave a spot begin
}

// draw draws a spot in its column, and the edges that lead to it.
func (p *picture) draw(s *spot, x, width float64) {
	if p.right == nil {
		p.right = map[*spot]float64{}
	}
	y := p.y(s)
	if s.node == nil {
		fmt.Fprintf(&p.edges, "<path d=\"M%g %gH%g\"/>\n", x, y, x+width)
	} else {
		p.box(s.node, x, y, widthOf(s))
	}
	for _, from := range s.in {
		a, bend := p.right[from], apart/2
		fmt.Fprintf(&p.edges, "<path d=\"M%g %gC%g %g %g %g %g %g\"/>\n", a, p.y(from), a+bend, p.y(from), x-bend, y, x, y)
	}
	p.right[s] = x + width
	if s.node != nil {
		p.right[s] = x + widthOf(s)
	}
}

func (p *picture) y(s *spot) float64 {
	return p.middle + padding/2 + s.place*(height+between)
}

func (p *picture) box(n *Node, x, y, width float64) {
	class, title := string(n.Kind), infra.Printable(n.Name)+", "+map[Kind]string{
		Table: "on Redshift", Remote: "through link " + infra.Printable(n.Link), Local: "computed in the cache",
	}[n.Kind]
	if n.Unknown != "" {
		class, title = class+" unknown", title+", and may read more: "+infra.Printable(n.Unknown)
	}
	fmt.Fprintf(&p.boxes, "<g class=\"%s\"><title>%s</title><rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"5\"/><text x=\"%g\" y=\"%g\">%s</text></g>\n",
		class, html.EscapeString(title), x, y-height/2, width, height, x+padding, y+4, html.EscapeString(shown(n.Name)))
}

func widthOf(s *spot) float64 {
	if s.node == nil {
		return 0
	}
	cells := 0
	for _, r := range shown(s.node.Name) {
		cells++
		if utf8.RuneLen(r) > 2 { // those of Chinese, Japanese and Korean are twice as wide
			cells++
		}
	}
	return float64(cells)*letter + 2*padding
}

// shown is a name, cut in its midst where it is long, as both its ends tell.
func shown(name string) string {
	letters := []rune(infra.Printable(name))
	if len(letters) <= longest {
		return string(letters)
	}
	return string(letters[:longest/2]) + "…" + string(letters[len(letters)-longest/2+1:])
}
