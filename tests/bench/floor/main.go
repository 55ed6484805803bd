// Asks the scheduler's own allocator for devices on one node after the other, as `tests/bench/allocation.py` asks ours.
//
//	floor FILE
//
// reads {"nodes", "slices", "classes", "claims", "held": [{"driver", "pool", "device"}]}, objects as the API server has
// them, and writes {"milliseconds", "fits"}: the CPU time for all nodes, without the reading, and on how many it fits.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
)

type question struct {
	Nodes   []*v1.Node
	Slices  []*resourceapi.ResourceSlice
	Classes classes
	Claims  []*resourceapi.ResourceClaim
	Held    []struct{ Driver, Pool, Device string }
}

type classes []*resourceapi.DeviceClass

func (all classes) List() ([]*resourceapi.DeviceClass, error) { return all, nil }

func (all classes) Get(name string) (*resourceapi.DeviceClass, error) {
	for _, class := range all {
		if class.Name == name {
			return class, nil
		}
	}
	return nil, fmt.Errorf("no device class %s", name)
}

// The gates that are on in 1.36 when nobody says otherwise.
var features = structured.Features{
	AdminAccess:            true,
	ConsumableCapacity:     true,
	DeviceBindingAndStatus: true,
	DeviceTaints:           true,
	PartitionableDevices:   true,
	PrioritizedList:        true,
}

// CPU time, of the collector, too.
func spent() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	log.SetFlags(0)
	var asked question
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &asked)
	}
	if err != nil {
		log.Fatal(err)
	}
	held := sets.New[structured.DeviceID]()
	for _, device := range asked.Held {
		held.Insert(structured.MakeDeviceID(device.Driver, device.Pool, device.Device))
	}
	state := structured.AllocatedState{
		AllocatedDevices:         held,
		AllocatedSharedDeviceIDs: sets.New[structured.SharedDeviceID](),
		AggregatedCapacity:       structured.NewConsumedCapacityCollection(),
	}
	ctx := context.Background()
	began := spent()
	cache := cel.NewCache(10, cel.Features{EnableConsumableCapacity: true})
	allocator, err := structured.NewAllocator(ctx, features, state, asked.Classes, asked.Slices, cache)
	if err != nil {
		log.Fatal(err)
	}
	fits := 0
	for _, node := range asked.Nodes {
		found, err := allocator.Allocate(ctx, node, asked.Claims)
		if err != nil {
			log.Fatal(err)
		}
		if found != nil {
			fits++
		}
	}
	took := float64((spent() - began).Microseconds()) / 1000
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"milliseconds": took, "fits": fits}); err != nil {
		log.Fatal(err)
	}
}
