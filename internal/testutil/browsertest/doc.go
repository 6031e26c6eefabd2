// Package browsertest drives pages of the program in headless Chromium, as a person would.
// All of it stands behind the build tag browser.
package browsertest
