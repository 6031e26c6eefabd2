package catalogue

import (
	"context"
	"fmt"
)

// maxExchange is how many devices may exchange their MACs in a circle: they are written
// in one step, as none of them can go first.
const maxExchange = 1000

// plan is what an import is going to write.
type plan struct {
	// steps hold the places of lines among the entries. A line whose MAC another device
	// still has comes after the line of that device or in one step with it.
	steps [][]int32
	// unchanged are the lines that are in no step, with their conflicts.
	unchanged Imported
}

// comparison compares the lines of a file with the database.
type comparison struct {
	lines
	changed []int32
	// waitsFor is the line of the device that still has the MAC of a line.
	waitsFor map[int32]int32
	plan     plan
	wrong    FileError
}

// compare finds what differs between the file and the database, which it reads in
// batches and without a lock: what changes meanwhile is seen when it is written.
func (i *Importer) compare(ctx context.Context, file lines) (plan, error) {
	c := &comparison{lines: file, waitsFor: map[int32]int32{}}
	for from := 0; from < len(c.entries); from += progressLines {
		i.cfg.Progress(Progress{Phase: Comparing, Lines: from, Of: len(c.entries)})
		batch := c.entries[from:min(from+progressLines, len(c.entries))]
		var stored storedDevices
		err := i.try(ctx, func() (err error) {
			stored, err = readStored(ctx, i.cfg.Store, batch)
			return err
		})
		if err != nil {
			return plan{}, err
		}
		for k, e := range batch {
			c.add(int32(from+k), e, stored)
		}
	}
	c.order(i.cfg.StepLines)
	return c.plan, c.wrong.orNil()
}

// add compares one line.
func (c *comparison) add(at int32, e entry, stored storedDevices) {
	conflict := stored.settleUniqueID(&e)
	if holder := stored.otherWithMAC(e); holder != nil {
		if its, found := c.bySerialCode[holder.serialCode]; found {
			c.waitsFor[at] = its
		} else {
			c.wrong.add(e.line, takenMAC(holder))
		}
	}
	if d := stored.bySerialCode[e.serialCode]; d == nil || *d != e.applied(*d) {
		c.changed = append(c.changed, at)
		return
	}
	c.plan.unchanged.Unchanged++
	if conflict != nil {
		c.plan.unchanged.Conflicts = append(c.plan.unchanged.Conflicts, *conflict)
	}
}

func takenMAC(holder *storedDevice) string { return "the mac is that of device " + holder.serialCode }

// order makes the steps. Lines keep the order of the file, but for those that wait for
// the MAC of another.
func (c *comparison) order(stepLines int) {
	waits := make([]bool, len(c.entries)) // to be written
	for _, at := range c.changed {
		waits[at] = true
	}
	var step, chain []int32
	for _, first := range c.changed {
		chain = chain[:0]
		at, found := first, true
		for ; found && waits[at]; at, found = c.next(at) {
			waits[at] = false
			chain = append(chain, at)
		}
		// Who waits for the first line is the last of the chain, if anybody is.
		isCircle := found && at == first && len(chain) > 1
		if isCircle && len(chain) > maxExchange {
			c.wrong.add(c.entries[first].line, fmt.Sprintf(
				"it and %d other devices exchange their MACs in a circle; at most %d can", len(chain)-1, maxExchange))
		}
		for k := len(chain) - 1; k >= 0; k-- {
			// A circle may make its step longer.
			if len(step) >= stepLines && (!isCircle || k == len(chain)-1) {
				c.plan.steps, step = append(c.plan.steps, step), nil
			}
			step = append(step, chain[k])
		}
	}
	if len(step) > 0 {
		c.plan.steps = append(c.plan.steps, step)
	}
}

// next is the line that must be written before this one, if there is one.
func (c *comparison) next(at int32) (int32, bool) {
	next, found := c.waitsFor[at]
	return next, found
}
