package usage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/usageday"
	"luxbff/internal/store"
)

// Operator shows the usage to whoever runs the program.
type Operator struct{ store *store.Store }

// NewOperator makes it.
func NewOperator(db *store.Store) *Operator { return &Operator{db} }

// Filter chooses what is shown.
type Filter struct {
	App   string    // by its exact name; empty for all
	Since time.Time // the first day, in UTC
}

// Total is the use of one route or operation by one version of an app.
type Total struct {
	Surface  string `json:"surface"  sql:"surface"`
	Name     string `json:"name"     sql:"name"`
	App      string `json:"app"      sql:"app"`
	Version  string `json:"version"  sql:"version"`
	Requests int    `json:"requests" sql:"requests"`
	// FirstDay and LastDay are the first and the last day of use since that of the filter,
	// as 2026-11-29.
	FirstDay string `json:"firstDay" sql:"first_day"`
	LastDay  string `json:"lastDay"  sql:"last_day"`
}

func (t Total) use() Use { return Use{t.Surface, t.Name, t.App, t.Version} }

// List adds the days up, in the order of surface, name, app and version.
func (o *Operator) List(ctx context.Context, filter Filter) ([]Total, error) {
	query := o.store.Read().UsageDay.Query().Where(usageday.DayGTE(filter.Since.UTC().Format(layout)))
	if filter.App != "" {
		query.Where(usageday.App(filter.App))
	}
	by := []string{usageday.FieldSurface, usageday.FieldName, usageday.FieldApp, usageday.FieldVersion}
	totals := []Total{}
	err := query.GroupBy(by[0], by[1:]...).Aggregate(
		ent.As(ent.Sum(usageday.FieldRequests), "requests"),
		ent.As(ent.Min(usageday.FieldDay), "first_day"), ent.As(ent.Max(usageday.FieldDay), "last_day"),
	).Scan(ctx, &totals)
	if err != nil {
		return nil, fmt.Errorf("list the usage: %w", err)
	}
	slices.SortFunc(totals, func(a, b Total) int { return a.use().compare(b.use()) })
	return totals, nil
}
