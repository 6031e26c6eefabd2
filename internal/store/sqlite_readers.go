package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
)

// sqliteConnector makes connections to one file, and none to another that has taken its
// place: rows would then come from either.
type sqliteConnector struct {
	driver  driver.Driver
	address string
	check   func() error
	// open are the connections that read, so that nothing has the file open when a store is
	// closed: [database/sql.DB.Close] leaves alone those that are in use and those that are
	// being made, and such a one makes the files of the journal anew.
	open *inFlight
}

// Connect opens a connection.
func (c *sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if !c.open.begin() {
		return nil, ErrClosed
	}
	made, err := c.driver.Open(c.address)
	if err != nil {
		c.open.end()
		return nil, err
	}
	conn, ok := made.(sqliteConn)
	if !ok {
		c.open.end()
		return nil, errors.Join(fmt.Errorf("store: SQLite's driver made a connection of type %T", made), made.Close())
	}
	return &sqliteReader{conn, sync.OnceFunc(c.open.end)}, nil
}

// Driver is that of SQLite.
func (c *sqliteConnector) Driver() driver.Driver { return c.driver }

// sqliteConn has the methods of a connection of SQLite's driver by which database/sql runs
// statements and keeps the connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// sqliteReader is a connection that is counted.
type sqliteReader struct {
	sqliteConn

	end func()
}

// Close implements driver.Conn.
func (r *sqliteReader) Close() error {
	defer r.end()
	return r.sqliteConn.Close()
}
