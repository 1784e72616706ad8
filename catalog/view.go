package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// View is one cached relation: its name, the definition that is in force, and the generation that has it.
type View struct {
	ID   int32
	Name Name
	Link Link // the one that the definition names; of a local source none
	Definition
	Columns []Column
	// Unreadable is why what is stored of definition and columns cannot be read, an [*InvalidError]: they are here as far as
	// they could be. Usually nil.
	Unreadable error

	// Generation is the one that the definition is in force in: runs write to it, once one has filled it.
	Generation int32
	CreatedAt  time.Time
	ChangedAt  time.Time
}

// NewView returns a view with what holds where nothing else is said.
func NewView(name Name, link Link) View {
	v := View{Name: name, Link: link, Definition: Defaults()}
	v.LinkName = link.Name
	return v
}

// Column is one column of a view's query, as it was described through the link.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"` // the remote type; empty: it is computed in the cache
	// Local is what generations keep it as; empty: what the remote type is kept as now.
	Local string `json:"local,omitempty"`
}

// same says whether two columns are kept alike. What one is kept as is not known of older ones.
func (c Column) same(other Column) bool {
	known := c.Local != "" && other.Local != ""
	return c.Name == other.Name && c.Type == other.Type && (!known || c.Local == other.Local)
}

// DataSchema holds the generations.
const DataSchema = "redcache_data"

// Relation returns the name, inside [DataSchema], of one generation.
func (v View) Relation(generation int32) string { return fmt.Sprintf("v%d_g%d", v.ID, generation) }

// RelationSQL returns the quoted and qualified name of one generation.
func (v View) RelationSQL(generation int32) string {
	return sql.Ident(DataSchema, v.Relation(generation))
}

// DescribedColumns returns the columns with the types that they have on both sides. It fails only when the
// catalog's types are no longer in the type table.
func (v View) DescribedColumns() ([]redshift.Column, error) {
	columns := make([]redshift.Column, len(v.Columns))
	for i, c := range v.Columns {
		if c.Type == "" {
			columns[i] = redshift.Column{Name: c.Name, Type: redshift.LocalType(c.Local)}
			continue
		}
		mapped, err := redshift.Map(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s of view %s: %w", c.Name, v.Name, err)
		}
		columns[i] = redshift.Column{Name: c.Name, RemoteType: c.Type, Type: mapped}
	}
	return columns, nil
}

// column finds a column by name.
func (v View) column(name string) (Column, bool) {
	i := slices.IndexFunc(v.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return v.Columns[i], true
}
