// Answers case files with the code of the Kubernetes release that it is built with, as tests/conformance asks ours.
//
//	real < QUESTIONS > ANSWERS
//
// reads a JSON list of cases, of devices for claims or of one CEL selector and one device, and writes a list of answers:
// {"answers": [[{"outcome", "results", "error"}]]}, for each node all that were seen, or
// {"outcome", "error", "cost", "maxCost"}. What they mean is said in tests/conformance.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"reflect"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/dynamic-resource-allocation/cel"
	"k8s.io/dynamic-resource-allocation/structured"
)

const (
	patience = 2 * time.Second
	tries    = 40 // of the implementation that has no order of its own
	shareID  = types.UID("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa")
)

type device struct{ Driver, Pool, Device string }

type question struct {
	// of an allocation
	Default         string
	Features        structured.Features
	CelFeatures     map[string]bool
	Node            *v1.Node
	Nodes           []*v1.Node
	Classes         classes
	Slices          []*resourceapi.ResourceSlice
	Claims          []*resourceapi.ResourceClaim
	AllocatedClaims []*resourceapi.ResourceClaim
	AllocatedState  struct {
		AllocatedDevices         []device
		AllocatedSharedDeviceIDs []struct {
			device
			ShareID types.UID
		}
		AggregatedCapacity []struct {
			device
			Capacity map[resourceapi.QualifiedName]resource.Quantity
		}
	}
	// of an expression
	Expression               string
	EnvType                  string
	EnableConsumableCapacity *bool
	EnableListTypeAttributes *bool
	Driver                   string
	AllowMultipleAllocations *bool
	Attributes               map[resourceapi.QualifiedName]map[string]json.RawMessage
	Capacity                 map[resourceapi.QualifiedName]resource.Quantity
}

type answer struct {
	Outcome string                         `json:"outcome"`
	Results []resourceapi.AllocationResult `json:"results,omitempty"`
	Error   string                         `json:"error,omitempty"`
	Cost    *uint64                        `json:"cost,omitempty"`
	MaxCost *uint64                        `json:"maxCost,omitempty"`
}

type answers struct {
	Answers [][]answer `json:"answers"`
}

type classes []*resourceapi.DeviceClass

func (c classes) List() ([]*resourceapi.DeviceClass, error) { return c, nil }

func (c classes) Get(name string) (*resourceapi.DeviceClass, error) {
	for _, each := range c {
		if each.Name == name {
			return each, nil
		}
	}
	return nil, fmt.Errorf("deviceclass.resource.k8s.io %q not found", name)
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		log.Fatal(err)
	}
	found := make([]any, 0, len(questions))
	for _, q := range questions {
		if q.EnvType != "" {
			found = append(found, selected(q))
		} else {
			found = append(found, allocated(q))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func allocated(q question) answers {
	if q.Node != nil {
		q.Nodes = append(q.Nodes, q.Node)
	}
	lists, told := q.CelFeatures["ListTypeAttributes"]
	if !told {
		lists = reflect.ValueOf(q.Features).FieldByName("ListTypeAttributes").Bool()
	}
	features := cel.Features{EnableConsumableCapacity: q.Features.ConsumableCapacity, EnableListTypeAttributes: lists}
	structured.EnableAllocators()
	if q.Default != "" {
		structured.EnableAllocators(q.Default)
	}
	var all answers
	for _, node := range q.Nodes {
		var seen []answer
		for range times(q.Default) {
			given := onNode(q, node, features)
			if !known(seen, given) {
				seen = append(seen, given)
			}
		}
		all.Answers = append(all.Answers, seen)
	}
	return all
}

func times(implementation string) int {
	if implementation == "stable" {
		return tries
	}
	return 1
}

func known(seen []answer, given answer) bool {
	for _, each := range seen {
		if reflect.DeepEqual(each, given) {
			return true
		}
	}
	return false
}

func onNode(q question, node *v1.Node, features cel.Features) (given answer) {
	defer func() {
		if panicked := recover(); panicked != nil {
			given = answer{Outcome: "panic", Error: fmt.Sprint(panicked)}
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	allocator, err := structured.NewAllocator(ctx, q.Features, state(q), q.Classes, q.Slices, cel.NewCache(100, features))
	if err != nil {
		log.Fatal(err)
	}
	results, err := allocator.Allocate(ctx, node, q.Claims)
	switch {
	case ctx.Err() != nil:
		return answer{Outcome: "timeout"}
	case errors.Is(err, structured.ErrFailedAllocationOnNode):
		return answer{Outcome: "nodeError", Error: err.Error()}
	case err != nil:
		return answer{Outcome: "error", Error: err.Error()}
	case results == nil:
		return answer{Outcome: "none"}
	}
	for _, result := range results {
		for i := range result.Devices.Results {
			if result.Devices.Results[i].ShareID != nil {
				id := shareID
				result.Devices.Results[i].ShareID = &id
			}
		}
	}
	return answer{Outcome: "allocated", Results: results}
}

// state is what the scheduler gathers from claims.
func state(q question) structured.AllocatedState {
	devices, shares := sets.New[structured.DeviceID](), sets.New[structured.SharedDeviceID]()
	capacities := structured.NewConsumedCapacityCollection()
	for _, claim := range q.AllocatedClaims {
		for _, each := range claim.Status.Allocation.Devices.Results {
			id := structured.MakeDeviceID(each.Driver, each.Pool, each.Device)
			switch {
			case each.AdminAccess != nil && *each.AdminAccess:
			case each.ShareID != nil && q.Features.ConsumableCapacity:
				shares.Insert(structured.MakeSharedDeviceID(id, each.ShareID))
				if each.ConsumedCapacity != nil {
					capacities.Insert(structured.NewDeviceConsumedCapacity(id, each.ConsumedCapacity))
				}
			default:
				devices.Insert(id)
			}
		}
	}
	for _, each := range q.AllocatedState.AllocatedDevices {
		devices.Insert(structured.MakeDeviceID(each.Driver, each.Pool, each.Device))
	}
	for _, each := range q.AllocatedState.AllocatedSharedDeviceIDs {
		id := structured.MakeDeviceID(each.Driver, each.Pool, each.Device)
		shares.Insert(structured.MakeSharedDeviceID(id, &each.ShareID))
	}
	for _, each := range q.AllocatedState.AggregatedCapacity {
		id := structured.MakeDeviceID(each.Driver, each.Pool, each.Device)
		capacities.Insert(structured.NewDeviceConsumedCapacity(id, each.Capacity))
	}
	return structured.AllocatedState{
		AllocatedDevices: devices, AllocatedSharedDeviceIDs: shares, AggregatedCapacity: capacities,
	}
}

func selected(q question) answer {
	envType := environment.StoredExpressions
	if q.EnvType == "NewExpressions" {
		envType = environment.NewExpressions
	}
	features := cel.Features{
		EnableConsumableCapacity: q.EnableConsumableCapacity == nil || *q.EnableConsumableCapacity,
		EnableListTypeAttributes: q.EnableListTypeAttributes == nil || *q.EnableListTypeAttributes,
	}
	compiled := cel.GetCompiler(features).CompileCELExpression(q.Expression, cel.Options{EnvType: &envType})
	if compiled.Error != nil {
		return answer{Outcome: "compileError", Error: compiled.Error.Detail}
	}
	given := answer{MaxCost: &compiled.MaxCost}
	asked := cel.Device{
		Driver:                   q.Driver,
		AllowMultipleAllocations: q.AllowMultipleAllocations,
		Attributes:               map[resourceapi.QualifiedName]resourceapi.DeviceAttribute{},
		Capacity:                 map[resourceapi.QualifiedName]resourceapi.DeviceCapacity{},
	}
	for name, value := range q.Attributes {
		text, _ := json.Marshal(value) // {"string": "x"} is how the API writes it
		var attribute resourceapi.DeviceAttribute
		if err := json.Unmarshal(text, &attribute); err != nil {
			log.Fatal(err)
		}
		asked.Attributes[name] = attribute
	}
	for name, value := range q.Capacity {
		asked.Capacity[name] = resourceapi.DeviceCapacity{Value: value}
	}
	matches, details, err := compiled.DeviceMatches(context.Background(), asked)
	if details != nil {
		given.Cost = details.ActualCost()
	}
	switch {
	case err != nil:
		given.Outcome, given.Error, given.Cost = "runtimeError", err.Error(), nil
	case matches:
		given.Outcome = "true"
	default:
		given.Outcome = "false"
	}
	return given
}
