package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
)

// The plot's measures, in pixels.
const (
	plotWidth  = 860
	labelWidth = 210
	valueWidth = 70
	barHeight  = 16
	rowHeight  = 24
	topMargin  = 64
	barWidth   = plotWidth - labelWidth - valueWidth
)

// plotStyle follows the reader's choice of light or dark.
const plotStyle = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .soft { fill: #59636e; font-size: 12px }
  .ours { fill: #1a7f64 } .other { fill: #8c959f }
  .grid { stroke: #d1d9e0 } .spread { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .soft { fill: #9198a1 }
    .ours { fill: #3fb68b } .other { fill: #656c76 }
    .grid { stroke: #3d444d } .spread { stroke: #e6edf3 }
  }
`

// plotted are the scenarios of the plot: each path once, with 1 % of the rows changed where that makes a difference.
func (r results) plotted() (some []scenario) {
	for _, s := range r.Scenarios {
		if s.TableRows == r.Rows && (s.ChangedPct == nil || *s.ChangedPct == anyLevel) {
			some = append(some, s)
		}
	}
	return some
}

// svg draws a bar for each path: its median, with a line from its fastest to its slowest run.
func (r results) svg() []byte {
	scenarios := r.plotted()
	longest := 0.0
	for _, s := range scenarios {
		longest = max(longest, s.Max)
	}
	step := gridStep(longest)
	scale := barWidth / max(longest, step)
	height := topMargin + len(scenarios)*rowHeight + 28
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img">`, plotWidth, height)
	fmt.Fprintf(&b, "\n<title>%s</title>\n<style>%s</style>\n", escaped("Seconds to bring a copy up to date"), plotStyle)
	fmt.Fprintf(&b, `<text class="title" x="8" y="22">%s</text>`+"\n", escaped("Seconds to bring a copy of "+thousands(r.Rows)+" rows up to date"))
	fmt.Fprintf(&b, `<text class="soft" x="8" y="42">%s</text>`+"\n",
		escaped(fmt.Sprintf("medians of %d runs, lines from fastest to slowest; 1%% of the rows changed; green: this project", r.Runs)))
	for at := 0.0; at*scale <= barWidth+0.5; at += step {
		x := labelWidth + at*scale
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1[1]f" y1="%d" y2="%d"/>`, x, topMargin-8, height-22)
		fmt.Fprintf(&b, `<text class="soft" x="%.1f" y="%d" text-anchor="middle">%g</text>`+"\n", x, height-6, round(at))
	}
	for i, s := range scenarios {
		s.bar(&b, topMargin+i*rowHeight, scale)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (s scenario) bar(b *bytes.Buffer, y int, scale float64) {
	class := "other"
	if s.Ours {
		class = "ours"
	}
	middle := y + barHeight/2
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-8, middle+5, escaped(s.Name))
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`,
		class, labelWidth, y, max(1, s.Median*scale), barHeight)
	fmt.Fprintf(b, `<line class="spread" x1="%.1f" x2="%.1f" y1="%d" y2="%[3]d"/>`,
		labelWidth+s.Min*scale, labelWidth+s.Max*scale, middle)
	fmt.Fprintf(b, `<text x="%.1f" y="%d">%.2f s</text>`+"\n", labelWidth+s.Max*scale+6, middle+5, s.Median)
}

// gridStep is a round number of which four to ten make up the length.
func gridStep(length float64) float64 {
	if length <= 0 {
		return 1
	}
	step := math.Pow(10, math.Floor(math.Log10(length/4)))
	for _, factor := range []float64{5, 2} {
		if length/(step*factor) >= 4 {
			return step * factor
		}
	}
	return step
}

func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	return b.String()
}
