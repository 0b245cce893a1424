package cli

import (
	"log"
	"strings"

	"github.com/go-logr/logr/funcr"
	"k8s.io/klog/v2"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
)

// adoptLogs keeps what libraries log off the user's screen: Helm writes to the
// standard library's log, client-go to klog, and controller-runtime complains
// when nobody has set its logger. What matters of it is in errors and results;
// -v shows the rest. All three belong to the process, as one command line does.
func (e *environment) adoptLogs() {
	log.SetFlags(0)
	log.SetOutput(verboseOnly{e})
	logger := funcr.New(func(prefix, args string) {
		log.Print(strings.TrimSpace(prefix + " " + args))
	}, funcr.Options{})
	klog.SetLogger(logger)
	ctrllog.SetLogger(logger)
}

// verboseOnly passes lines on to the user under -v.
type verboseOnly struct{ env *environment }

func (v verboseOnly) Write(line []byte) (int, error) {
	if !v.env.verbose {
		return len(line), nil
	}
	return v.env.Err.Write(line)
}
