// Package contract holds the tests that hold the documented routes to their pages:
// they run the case files of testdata, one file a route, against the whole program. A
// new route is a new file. Nothing imports the package.
//
// # Case files
//
// A file begins with a line `route METHOD PATH` and a remark that says which
// page the route is from. `== title` begins a case, which has a fresh database and a
// fresh server of its own. Below it stand commands, one a line, and blocks:
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
//	(our answer, a golden that `.ci/run golden` rewrites)
//	-- then
//	(more commands, and so on)
//	-- request
//	...
//	-- fault 404 Not Found Device
//
// `-- again` sends the file's first request again, changed by the commands before it.
// A block ends where the next one begins. `-- fault` is one row of a page's table of
// errors: the answer has its status and exactly its text. On SNUTT the golden body
// follows `-- fault 403 0x2002`.
//
// `-- look QUERY` shows what is stored afterwards: a GraphQL query that the parent
// sends, and the golden of its data.
//
// # Requests
//
// The first line is that of the page: the host and the trailing HTTPS are left out,
// and your_token_here becomes the access token of the parent. A body begins after the
// headers, with or without an empty line. Only a command before the request changes
// anything else:
//
//	with OLD => NEW    OLD, which must be there, is replaced (ids, tokens, codes)
//	repair             the body is repaired as the examples are
//	bytes              the body is a Go string literal, for bytes that no text file holds
//
// # Examples
//
// The answer must have the keys of the example in its order, at every depth, with
// values of the same JSON type. The values must be equal too, unless the page shows a
// placeholder ("string", 0, "...") or `differs KEY...` names the key. Where an example
// of a page is no JSON, it is repaired: a comment (// to the end of the line), a comma
// before a closing bracket and a remark such as (boolean) after a value are removed,
// and a bare word such as string is put in quotes.
//
// # Commands
//
//	set NAME VALUE                a setting of the program, by its environment variable; before all others
//	clock TIME | wait DURATION    set or move the clock
//	catalogue SERIAL,MAC[,UNIQUE] load a device
//	parent [NAME] | child NAME SERIAL MAC UNIQUE [as NAME]
//	                              sign up a parent, create a child, over LUX as an app does
//	signin NAME                   sign in anew
//	code NAME ADDRESS             take the last code that went to an address
//	call NAME [as WHO]: METHOD PATH [BODY]
//	                              a request that must succeed; ${NAME.key} is a key of its answer
//	local NAME                    sign up an account on SNUTT
//	facebook TOKEN ID NAME        a person that the stand-in for Facebook knows
//	forge NAME USE ID             a well-signed token for any account
//	sql STATEMENT                 change a row that no request can change
//	refuse INSERT|UPDATE|DELETE TABLE
//	                              let the database refuse such a statement
//	restart [NAME VALUE]          start the program again on the same database
//	fail                          close the database under the running program
//	mask KEY...                   keys whose random values are left out of the golden
//	let NAME VALUE                give a value a name
//
// ${NAME} stands for a value everywhere.
package contract
