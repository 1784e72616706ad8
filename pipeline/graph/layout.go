package graph

import (
	"cmp"
	"slices"
)

// spot is a place in a picture: that of a node, or one that an edge passes through on its way over other layers.
type spot struct {
	node  *Node // nil: an edge passes
	in    []*spot
	out   []*spot
	layer int
	place float64 // within its layer, from its top
}

// layers places the nodes: each in the layer behind the last of those that it reads, so that every edge leads to the right, and
// from one layer to the next. Within a layer each stands near what it is joined with, which leaves few edges that cross.
func (g Graph) layers() (layers [][]*spot) {
	of := map[*Node]*spot{}
	add := func(s *spot) *spot {
		for len(layers) <= s.layer {
			layers = append(layers, nil)
		}
		layers[s.layer] = append(layers[s.layer], s)
		return s
	}
	for _, n := range g { // each behind its inputs
		s := &spot{node: n}
		for _, input := range n.Inputs {
			if from := of[input]; from != nil { // not in a circle
				s.layer = max(s.layer, from.layer+1)
			}
		}
		of[n] = add(s)
	}
	for _, n := range g {
		for _, input := range n.Inputs {
			if from := of[input]; from.layer < of[n].layer {
				for from.layer < of[n].layer-1 {
					from = join(from, add(&spot{layer: from.layer + 1}))
				}
				join(from, of[n])
			}
		}
	}
	settle(layers)
	return layers
}

func join(from, to *spot) *spot {
	from.out, to.in = append(from.out, to), append(to.in, from)
	return to
}

// settle orders each layer by the middle of what its spots are joined with, to and fro.
func settle(layers [][]*spot) {
	const sweeps = 4
	number := func(layer []*spot) {
		for i, s := range layer {
			s.place = float64(i) - float64(len(layer)-1)/2
		}
	}
	order := func(layer []*spot, joined func(*spot) []*spot) {
		slices.SortStableFunc(layer, func(a, b *spot) int { return cmp.Compare(middle(a, joined), middle(b, joined)) })
		number(layer)
	}
	for _, layer := range layers {
		number(layer)
	}
	for range sweeps {
		for _, layer := range layers {
			order(layer, func(s *spot) []*spot { return s.in })
		}
		for _, layer := range slices.Backward(layers) {
			order(layer, func(s *spot) []*spot { return s.out })
		}
	}
}

// middle is where a spot is drawn to: it stays where nothing draws.
func middle(s *spot, joined func(*spot) []*spot) float64 {
	all := joined(s)
	if len(all) == 0 {
		return s.place
	}
	sum := 0.0
	for _, other := range all {
		sum += other.place
	}
	return sum / float64(len(all))
}
