package graph

import (
	"luxbff/graph/model"
	"luxbff/internal/devlog"
)

func newRecords(logs []*model.DevlogInput) []devlog.Record {
	all := make([]devlog.Record, len(logs))
	for i, l := range logs {
		all[i] = devlog.Record{
			ChildUserID:     l.ChildUserID,
			DeviceID:        l.DeviceID,
			UniqueID:        l.UniqueID,
			TreatmentDate:   l.TreatmentDate.Clock,
			TreatmentOffset: l.TreatmentDate.Offset,
			FinishFlag:      l.FinishFlag.Value(),
			LastIntensity:   l.LastIntensity,
			TreatmentTime:   l.TreatmentTime,
			LogFileID:       l.LogFileID.Value(),
		}
	}
	return all
}

func newConnection(page devlog.Page) *model.DevlogConnection {
	c := &model.DevlogConnection{
		Edges:    make([]*model.DevlogEdge, len(page.Devlogs)),
		PageInfo: &model.PageInfo{HasNextPage: page.HasNext, HasPreviousPage: page.HasPrevious},
	}
	for i, l := range page.Devlogs {
		c.Edges[i] = &model.DevlogEdge{Cursor: page.Cursors[i], Node: l}
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}
