package repo_test

import (
	"io/fs"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// root is the folder of the checkout.
const root = "../.."

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// checkout is the tree of the checkout, so that tests name its files by the paths that a
// reader knows. The tests don't change their working directory: go test would not know
// then which files they read, and give the result of before a change of one.
func checkout() fs.FS { return os.DirFS(root) }
