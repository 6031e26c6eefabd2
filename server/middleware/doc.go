// Package middleware holds what every HTTP request passes before a route sees it:
// the client's IP address, the request's id, log line, span and duration, the
// recovery from a panic, authentication, and the acknowledgement of events that a
// header carries. Each is a function that takes what it needs and the next handler.
//
// It imports no route, no GraphQL, no rule and no storage: server/app hands the
// functions in.
package middleware
