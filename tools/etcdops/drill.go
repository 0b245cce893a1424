package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// drillResult is a restore that was done to see that it can be.
type drillResult struct {
	File     string  `json:"file"`
	Revision int64   `json:"revision"`
	Keys     int64   `json:"keys"`
	Hash     uint32  `json:"hash"`
	Restore  float64 `json:"restoreSeconds"`
	Serving  float64 `json:"servingSeconds"` // from nothing to the first answer
}

type drilling struct {
	dir, work, client, peer string
	limit                   time.Duration
}

func newDrill(fs *flag.FlagSet, args []string) (task, error) {
	var d drilling
	fs.StringVar(&d.dir, "dir", "", "folder of the snapshots")
	fs.StringVar(&d.work, "work", os.TempDir(), "folder that has room for a restored database")
	fs.DurationVar(&d.limit, "limit", 5*time.Minute, "time after which the drill has failed")
	fs.StringVar(&d.client, "listen", "http://127.0.0.1:23790", "the restored member's own address")
	fs.StringVar(&d.peer, "peer", "http://127.0.0.1:23800", "its address for peers, of which there are none")
	if err := whole(fs, args); err != nil {
		return nil, err
	}
	if d.dir == "" || d.limit <= 0 {
		return nil, errors.New("-dir is empty, or -limit not above 0")
	}
	return &d, nil
}

// run restores the newest snapshot into a folder of its own, starts a member on it
// that only this machine reaches, and counts. It touches no member that serves.
func (d *drilling) run(ctx context.Context) (any, error) {
	names, err := snapshots(d.dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no snapshot; take one first", d.dir)
	}
	temp, err := os.MkdirTemp(d.work, "drill-")
	if err != nil {
		return nil, fmt.Errorf("make room: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // the next one's folder is another
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	r := drillResult{File: names[len(names)-1]}
	err = r.restore(ctx, filepath.Join(d.dir, r.File), filepath.Join(temp, "data"), d.client, d.peer)
	return r, err
}

func (r *drillResult) restore(ctx context.Context, file, data, client, peer string) error {
	began := time.Now()
	manager := snapshot.NewV3(zap.NewNop())
	status, err := manager.Status(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	err = manager.Restore(snapshot.RestoreConfig{SnapshotPath: file, Name: "drill", OutputDataDir: data,
		PeerURLs: []string{peer}, InitialCluster: "drill=" + peer, InitialClusterToken: "drill"})
	if err != nil {
		return fmt.Errorf("restore %s: %w", file, err)
	}
	r.Restore = time.Since(began).Seconds()
	member, err := startMember(ctx, data, client, peer)
	if err != nil {
		return err
	}
	defer member.Close()
	if err := r.count(ctx, client); err != nil {
		return err
	}
	r.Serving = time.Since(began).Seconds()
	if r.Revision != status.Revision {
		return fmt.Errorf("restored revision %d of %s, which holds %d", r.Revision, file, status.Revision)
	}
	return nil
}

func startMember(ctx context.Context, data, client, peer string) (*embed.Etcd, error) {
	cfg := embed.NewConfig()
	clientURL, err := url.Parse(client)
	peerURL, err2 := url.Parse(peer)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	cfg.Name, cfg.Dir = "drill", data
	// Its end is told as errors in its log; a real one is returned.
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*clientURL}, []url.URL{*clientURL}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peerURL}, []url.URL{*peerURL}
	cfg.InitialCluster = "drill=" + peer
	member, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start the restored member: %w", err)
	}
	select {
	case <-member.Server.ReadyNotify():
		return member, nil
	case err := <-member.Err():
		member.Close()
		return nil, fmt.Errorf("the restored member ended: %w", err)
	case <-ctx.Done():
		member.Close()
		return nil, fmt.Errorf("the restored member did not serve in time: %w", context.Cause(ctx))
	}
}

// count asks the restored member itself.
func (r *drillResult) count(ctx context.Context, client string) error {
	a := access{endpoints: client}
	c, err := a.open(a.list())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // the member ends with it
	all, err := c.Get(ctx, "", clientv3.WithFromKey(), clientv3.WithCountOnly())
	if err != nil {
		return fmt.Errorf("count the restored keys: %w", err)
	}
	hash, err := c.HashKV(ctx, client, 0)
	if err != nil {
		return fmt.Errorf("hash the restored keys: %w", err)
	}
	r.Revision, r.Keys, r.Hash = all.Header.Revision, all.Count, hash.Hash
	return nil
}
