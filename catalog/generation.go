package catalog

// GenerationState is what has become of a generation.
type GenerationState string

// The states of a generation.
const (
	GenerationBuilding  GenerationState = "building"  // nobody has filled it yet
	GenerationFilled    GenerationState = "filled"    // its rows are there, and readers do not see them
	GenerationPublished GenerationState = "published" // readers see them
	GenerationKept      GenerationState = "kept"      // readers saw them, and may go back
	GenerationRetired   GenerationState = "retired"   // it is to be dropped
)

// Built is what a generation was built by.
type Built struct {
	Definition Definition
	Columns    []Column
}

// Rebuilds says whether something else that is asked for needs another physical relation.
func (b Built) Rebuilds(to Built) bool {
	return b.Definition.Rebuilds(b.Columns, to.Definition, to.Columns)
}

// SameQuery says whether the rows are those of the same query, whatever else has changed.
func (b Built) SameQuery(to Built) bool { return b.Definition.Query == to.Definition.Query }

// Built is what a generation is built by that the view asks for.
func (v View) Built() Built { return Built{v.Definition, v.Columns} }
