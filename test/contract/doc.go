// Package contract holds the documented routes to their pages. It has no code of
// its own: its tests run the case files of testdata, one file a route, against
// the whole program. A new route is a new file.
//
// # Case files
//
// A file begins with a line `route METHOD PATH` and a remark that says which
// page the route is from. `== title` begins a case, which has a fresh database
// and a fresh server to itself. Under it stand commands, one a line, and blocks:
//
//	== the page's example
//	clock 2024-10-28T08:09:47.889Z
//	catalogue SL20401000,00:80:E1:27:41:AD
//	parent
//	-- request
//	(the request of the page, word for word)
//	-- example
//	(the answer of the page, word for word)
//	-- answer 200
//	(our answer, a golden: `go test ./test/contract -update` writes it anew)
//	-- then
//	(more commands, and so on)
//	-- request
//	...
//	-- fault 404 Not Found Device
//
// `-- again` sends the file's first request again, as the commands before it
// change it. A block ends where the next one begins. `-- fault` is one row of a page's
// table of errors: the answer is its status and exactly its text; on SNUTT
// `-- fault 403 0x2002` is followed by the golden body.
//
// `-- look QUERY` shows what is stored afterwards: a GraphQL query of the parent,
// and the golden of its data.
//
// # Requests
//
// The first line is that of the page: the host and the trailing HTTPS are left
// out, your_token_here becomes the access token of the parent. A body begins
// after the headers, with or without an empty line. Nothing else is changed but
// by a command before it:
//
//	with OLD => NEW    OLD, which must be there, is replaced (ids, tokens, codes)
//	repair             the body is repaired as the examples are
//	bytes              the body is a Go string literal, for what no text file holds
//
// # Examples
//
// The answer must have the keys of the example in its order, at every depth, with
// values of the same JSON type. A value must be equal too, unless the page shows a
// placeholder ("string", 0, "...") or `differs KEY...` names it. The pages show
// examples that are no JSON; they are repaired so: a comment (// to the end of the
// line) and a comma before a closing bracket go, a bare word such as string is
// put in quotes, a remark such as (boolean) after a value goes.
//
// # Commands
//
//	set NAME VALUE                a setting of the program, by its environment variable; before all others
//	clock TIME | wait DURATION    put or move the clock
//	catalogue SERIAL,MAC[,UNIQUE] load a device
//	parent [NAME] | child NAME SERIAL MAC UNIQUE [as NAME]
//	                              sign a parent up, create a child, over LUX as an app does
//	signin NAME                   sign in anew
//	code NAME ADDRESS             take the last code that went to an address
//	call NAME [as WHO]: METHOD PATH [BODY]
//	                              a request that must succeed; ${NAME.key} is a key of its answer
//	local NAME                    sign an account up on SNUTT
//	facebook TOKEN ID NAME        a person whom the stand-in for Facebook knows
//	forge NAME USE ID             a well-signed token for any account
//	sql STATEMENT                 change a row that no request can change
//	refuse INSERT|UPDATE|DELETE TABLE
//	                              let the database refuse such a statement
//	restart [NAME VALUE]          start the program anew on the same database
//	fail                          take the database away
//	mask KEY...                   keys whose values are random, left out of the golden
//	let NAME VALUE                give a value a name
//
// ${NAME} stands for a value everywhere.
package contract
