/* A libnvidia-ml.so.1 for machines without a GPU. What it answers stands in the text file $FAKE_NVML, one `key=value` a
 * line, and may change while it runs: the file is replaced, and read again at the next call.
 *
 *   driver_version=595.58.03      of the system
 *   gpu0.uuid=GPU-…               of a device; gpu0.mig0.… of a MIG device, gpu0.gi1.… of a GPU instance
 *   gpu0.memory=85520809984,0,… several numbers where a function gives several
 *   gpu0.power=!4                 the error that the function returns (here: no permission)
 *   gpu0=!15                      the error that every function returns for this device (here: lost)
 *   gpu0.gi1.placement=19,2,1     profile, start, size of a GPU instance; gpu0.gi1.ci0.placement of a compute instance
 *   event=3,gpu0,8,79,4294967295  the third event: device, type, data, GPU instance
 *   delay_us=20, hang=1           how long each call takes; whether it does not return until the file says otherwise
 *   gpu0.profile.0=19,1,7,…       what a GPU can be cut into, by NVML's index; gpu0.placements.19=0:1,1:1,… where
 *   gpu0.create_gi=!23            the error that making or destroying says: create_gi, create_ci, destroy_gi, destroy_ci
 *   gpu0.busy=2                   how often destroying says first that another client uses it
 *
 * A key that is not there is NVML_ERROR_NOT_SUPPORTED. Struct layouts and error codes are those of nvml.h 13.3.
 * MIG devices that are made or destroyed are written to the file: every process sees them, and later ones.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
    TIMEOUT = 10, RESET_REQUIRED = 16, IN_USE = 19, INSUFFICIENT_RESOURCES = 23, VERSION_MISMATCH = 25
};

typedef struct { char path[48]; } Handle;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int initialized; /* how often: each has a shutdown of its own */
long calls; /* so far, for who measures */

/* --- the file ---------------------------------------------------------------------------------- */

static char *text;
static char **lines; /* sorted */
static size_t count_of_lines;
static struct stat seen;

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void read_again(void) {
    const char *path = getenv("FAKE_NVML");
    struct stat now;
    if (!path || stat(path, &now)) return;
    if (text && now.st_ino == seen.st_ino && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec &&
        now.st_mtim.tv_sec == seen.st_mtim.tv_sec)
        return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    char *fresh = calloc(1, (size_t)now.st_size + 1);
    size_t length = fread(fresh, 1, (size_t)now.st_size, file);
    fclose(file);
    fresh[length] = 0;
    free(text);
    free(lines);
    text = fresh;
    lines = calloc(length / 2 + 2, sizeof *lines);
    count_of_lines = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (strchr(line, '=')) lines[count_of_lines++] = line;
    qsort(lines, count_of_lines, sizeof *lines, by_text);
    seen = now;
}

/* Changes: from `begin_change` to `end_change` no other process makes one. */

static int change = -1; /* the lock's descriptor */

static int begin_change(void) {
    char path[4096];
    snprintf(path, sizeof path, "%s.lock", getenv("FAKE_NVML"));
    change = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (change < 0) return NO_PERMISSION;
    flock(change, LOCK_EX);
    seen.st_ino = 0;
    read_again();
    return SUCCESS;
}

static void without(const char *prefix) {
    size_t kept = 0;
    for (size_t n = 0; n < count_of_lines; n++)
        if (strncmp(lines[n], prefix, strlen(prefix))) lines[kept++] = lines[n];
    count_of_lines = kept;
}

/* One line more, after which nothing is looked up until the end of the change. */
static void with(const char *format, ...) {
    char *line;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0) abort();
    va_end(arguments);
    lines = realloc(lines, (count_of_lines + 2) * sizeof *lines);
    lines[count_of_lines++] = line;
}

static int end_change(int result) {
    char path[4096];
    snprintf(path, sizeof path, "%s.made", getenv("FAKE_NVML"));
    FILE *file = fopen(path, "w");
    for (size_t n = 0; file && n < count_of_lines; n++) fprintf(file, "%s\n", lines[n]);
    if (file) {
        struct timespec now[2];
        clock_gettime(CLOCK_REALTIME, &now[1]);
        if (now[1].tv_sec == seen.st_mtim.tv_sec && now[1].tv_nsec <= seen.st_mtim.tv_nsec) /* inodes are used again */
            now[1].tv_nsec = seen.st_mtim.tv_nsec + 1;
        now[0] = now[1];
        fflush(file);
        futimens(fileno(file), now);
        fclose(file);
        rename(path, getenv("FAKE_NVML"));
    } else if (!result) {
        result = NO_PERMISSION;
    }
    seen.st_ino = 0;
    read_again();
    close(change);
    return result;
}

static const char *value(const char *owner, const char *name) {
    char key[128];
    size_t length = (size_t)snprintf(key, sizeof key, "%s%s%s=", owner, *owner && *name ? "." : "", name);
    size_t low = 0, high = count_of_lines;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(lines[middle], key, length);
        if (!order) return lines[middle] + length;
        if (order < 0) low = middle + 1; else high = middle;
    }
    return NULL;
}

static long long number(const char *owner, const char *name, long long otherwise) {
    const char *found = value(owner, name);
    return found ? strtoll(found, NULL, 0) : otherwise;
}

/* Every call begins here: the lock is held when it returns. */
static int enter(void) {
    pthread_mutex_lock(&lock);
    for (read_again(); number("", "hang", 0); read_again()) {
        pthread_mutex_unlock(&lock);
        usleep(1000);
        pthread_mutex_lock(&lock);
    }
    calls++;
    long long delay = number("", "delay_us", 0);
    if (delay > 0) {
        struct timespec begun, now;
        clock_gettime(CLOCK_MONOTONIC, &begun);
        if (delay >= 1000) usleep((useconds_t)delay);
        do clock_gettime(CLOCK_MONOTONIC, &now);
        while ((now.tv_sec - begun.tv_sec) * 1000000LL + (now.tv_nsec - begun.tv_nsec) / 1000 < delay);
    }
    return initialized ? SUCCESS : UNINITIALIZED;
}

static int leave(int result) {
    pthread_mutex_unlock(&lock);
    return result;
}

/* The value of a key of a device, or the error that stands there, or that the whole device has. */
static int get(const Handle *handle, const char *name, const char **found) {
    if (!handle) return INVALID;
    char gpu[48];
    snprintf(gpu, sizeof gpu, "%s", handle->path);
    char *dot = strchr(gpu, '.');
    if (dot) *dot = 0;
    for (const char *whole = gpu; whole; whole = whole == gpu ? handle->path : NULL) {
        const char *lost = value(whole, "");
        if (lost && *lost == '!') return atoi(lost + 1);
    }
    *found = value(handle->path, name);
    if (!*found) return NOT_SUPPORTED;
    return **found == '!' ? atoi(*found + 1) : SUCCESS;
}

static int numbers(const Handle *handle, const char *name, int wanted, unsigned long long *out) {
    const char *found;
    int result = get(handle, name, &found);
    for (int n = 0; !result && n < wanted; n++) {
        char *end;
        out[n] = strtoull(found, &end, 0);
        found = *end == ',' ? end + 1 : end;
    }
    return result;
}

static int ask(const Handle *handle, const char *name, int wanted, unsigned long long *out) {
    int result = enter();
    return leave(result ? result : numbers(handle, name, wanted, out));
}

static int ask_text(const Handle *handle, const char *name, char *out, unsigned size) {
    const char *found = "";
    int result = enter();
    if (!result) result = get(handle, name, &found);
    if (!result && strlen(found) >= size) result = INSUFFICIENT_SIZE;
    if (!result) strcpy(out, found);
    return leave(result);
}

/* --- handles: one for each path, for ever ------------------------------------------------------- */

static Handle *handle_of(const char *path) {
    static Handle handles[1024];
    for (size_t n = 0; n < sizeof handles / sizeof *handles; n++) {
        if (!handles[n].path[0]) snprintf(handles[n].path, sizeof handles[n].path, "%s", path);
        if (!strcmp(handles[n].path, path)) return &handles[n];
    }
    return NULL;
}

static int child(const char *owner, const char *kind, unsigned index, const char *proof, Handle **out) {
    char path[48];
    snprintf(path, sizeof path, "%s%s%s%u", owner, *owner ? "." : "", kind, index);
    if (!value(path, proof) && !value(path, "")) return NOT_FOUND;
    *out = handle_of(path);
    return SUCCESS;
}

/* --- the system ---------------------------------------------------------------------------------- */

int nvmlInitWithFlags(unsigned flags) {
    (void)flags;
    pthread_mutex_lock(&lock);
    read_again();
    long long error = number("", "init", 0);
    initialized += !error;
    return leave((int)error);
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

int nvmlShutdown(void) {
    pthread_mutex_lock(&lock);
    int result = initialized ? SUCCESS : UNINITIALIZED;
    initialized -= !!initialized;
    return leave(result);
}

const char *nvmlErrorString(int result) {
    static char said[32];
    snprintf(said, sizeof said, "error %d", result);
    return said;
}

static int system_text(const char *name, char *out, unsigned size) {
    int result = enter();
    const char *found = value("", name);
    if (!result && found && *found == '!') result = atoi(found + 1);
    else if (!result && !found) result = NOT_SUPPORTED;
    else if (!result && strlen(found) >= size) result = INSUFFICIENT_SIZE;
    if (!result) strcpy(out, found);
    return leave(result);
}

int nvmlSystemGetDriverVersion(char *out, unsigned size) { return system_text("driver_version", out, size); }
int nvmlSystemGetNVMLVersion(char *out, unsigned size) { return system_text("nvml_version", out, size); }

int nvmlSystemGetCudaDriverVersion_v2(int *out) {
    int result = enter();
    *out = (int)number("", "cuda_driver_version", 0);
    return leave(!result && !*out ? NOT_SUPPORTED : result);
}

int nvmlDeviceGetCount_v2(unsigned *out) {
    int result = enter();
    const char *found = value("", "count");
    if (!result && found && *found == '!') return leave(atoi(found + 1));
    *out = (unsigned)number("", "count", 0);
    return leave(result);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Handle **out) {
    int result = enter();
    const char *ignored;
    if (!result) result = child("", "gpu", index, "uuid", out);
    if (!result && get(*out, "uuid", &ignored) != NOT_SUPPORTED) result = get(*out, "uuid", &ignored);
    return leave(result);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle **out) {
    char path[48];
    int result = enter();
    const char *ignored;
    for (size_t n = 0; !result && n < count_of_lines; n++) {
        char *equals = strchr(lines[n], '=');
        if (strcmp(equals + 1, uuid) || equals - lines[n] < 5 || strncmp(equals - 5, ".uuid", 5)) continue;
        snprintf(path, sizeof path, "%.*s", (int)(equals - 5 - lines[n]), lines[n]);
        *out = handle_of(path);
        return leave(get(*out, "uuid", &ignored));
    }
    return leave(result ? result : NOT_FOUND);
}

/* --- what a device tells -------------------------------------------------------------------------- */

#define TEXT(function, key) \
    int function(Handle *handle, char *out, unsigned size) { return ask_text(handle, key, out, size); }
#define UINT(function, key)                                     \
    int function(Handle *handle, unsigned *out) {               \
        unsigned long long found = 0;                           \
        int result = ask(handle, key, 1, &found);               \
        *out = (unsigned)found;                                 \
        return result;                                          \
    }
#define TWO(function, key)                                      \
    int function(Handle *handle, unsigned *a, unsigned *b) {    \
        unsigned long long found[2] = {0};                      \
        int result = ask(handle, key, 2, found);                \
        *a = (unsigned)found[0];                                \
        *b = (unsigned)found[1];                                \
        return result;                                          \
    }
#define OF(function, key)                                                   \
    int function(Handle *handle, unsigned kind, unsigned *out) {            \
        char name[64];                                                      \
        unsigned long long found = 0;                                       \
        snprintf(name, sizeof name, key ".%u", kind);                       \
        int result = ask(handle, name, 1, &found);                          \
        *out = (unsigned)found;                                             \
        return result;                                                      \
    }

TEXT(nvmlDeviceGetUUID, "uuid")
TEXT(nvmlDeviceGetName, "name")
TEXT(nvmlDeviceGetSerial, "serial")
UINT(nvmlDeviceGetMinorNumber, "minor")
UINT(nvmlDeviceGetArchitecture, "architecture")
UINT(nvmlDeviceGetBrand, "brand")
TWO(nvmlDeviceGetCudaComputeCapability, "compute_capability")
TWO(nvmlDeviceGetUtilizationRates_, "utilization")
TWO(nvmlDeviceGetEncoderUtilization, "encoder")
TWO(nvmlDeviceGetDecoderUtilization, "decoder")
TWO(nvmlDeviceGetJpgUtilization, "jpeg")
TWO(nvmlDeviceGetOfaUtilization, "ofa")
UINT(nvmlDeviceGetPowerUsage, "power")
UINT(nvmlDeviceGetEnforcedPowerLimit, "power_limit")
OF(nvmlDeviceGetTemperature, "temperature")
OF(nvmlDeviceGetTemperatureThreshold, "temperature_threshold")
OF(nvmlDeviceGetClockInfo, "clock")
OF(nvmlDeviceGetMaxClockInfo, "max_clock")
OF(nvmlDeviceGetPcieThroughput, "pcie_throughput")
OF(nvmlDeviceGetNvLinkState, "nvlink")
UINT(nvmlDeviceGetPcieReplayCounter, "pcie_replay")
UINT(nvmlDeviceGetCurrPcieLinkGeneration, "pcie_generation")
UINT(nvmlDeviceGetCurrPcieLinkWidth, "pcie_width")
UINT(nvmlDeviceGetMaxPcieLinkGeneration, "pcie_max_generation")
UINT(nvmlDeviceGetMaxPcieLinkWidth, "pcie_max_width")
TWO(nvmlDeviceGetEccMode, "ecc_mode")
TWO(nvmlDeviceGetMigMode, "mig_mode")
UINT(nvmlDeviceGetMaxMigDeviceCount, "max_mig")
UINT(nvmlDeviceGetGpuInstanceId, "gi")
UINT(nvmlDeviceGetComputeInstanceId, "ci")

int nvmlDeviceGetUtilizationRates(Handle *handle, unsigned out[2]) {
    return nvmlDeviceGetUtilizationRates_(handle, &out[0], &out[1]);
}

/* gpu0.nvlink_peers=1,2: the GPUs that it reaches over NVLink, by index; other ways to a peer are not told */
int nvmlDeviceGetP2PStatus(Handle *handle, Handle *other, int way, int *out) {
    const char *found = "";
    int result = enter();
    if (!result) result = get(handle, "nvlink_peers", &found);
    *out = 5; /* not supported */
    while (!result && way == 2 && *found && *out) {
        char path[48];
        snprintf(path, sizeof path, "gpu%ld", strtol(found, (char **)&found, 10));
        if (!strcmp(path, other->path)) *out = 0;
        found += *found == ',';
    }
    return leave(result == NOT_SUPPORTED ? SUCCESS : result);
}

int nvmlDeviceGetTotalEnergyConsumption(Handle *handle, unsigned long long *out) {
    return ask(handle, "energy", 1, out);
}

int nvmlDeviceGetCurrentClocksEventReasons(Handle *handle, unsigned long long *out) {
    return ask(handle, "clocks_event_reasons", 1, out);
}

int nvmlDeviceGetMemoryErrorCounter(Handle *handle, unsigned kind, unsigned counter, unsigned place, unsigned long long *out) {
    char name[64];
    snprintf(name, sizeof name, "ecc.%u.%u.%u", kind, counter, place);
    return ask(handle, name, 1, out);
}

int nvmlDeviceGetTotalEccErrors(Handle *handle, unsigned kind, unsigned counter, unsigned long long *out) {
    char name[64];
    snprintf(name, sizeof name, "ecc.%u.%u", kind, counter);
    return ask(handle, name, 1, out);
}

int nvmlDeviceGetRemappedRows(Handle *handle, unsigned *correctable, unsigned *uncorrectable, unsigned *pending, unsigned *failed) {
    unsigned long long found[4] = {0};
    int result = ask(handle, "remapped_rows", 4, found);
    *correctable = (unsigned)found[0], *uncorrectable = (unsigned)found[1];
    *pending = (unsigned)found[2], *failed = (unsigned)found[3];
    return result;
}

typedef struct { unsigned version; unsigned long long total, reserved, free, used; } Memory;

int nvmlDeviceGetMemoryInfo_v2(Handle *handle, Memory *out) { return ask(handle, "memory", 4, &out->total); }
int nvmlDeviceGetBAR1MemoryInfo(Handle *handle, unsigned long long out[3]) { return ask(handle, "bar1", 3, out); }

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } Pci;

int nvmlDeviceGetPciInfo_v3(Handle *handle, Pci *out) {
    memset(out, 0, sizeof *out);
    return ask_text(handle, "pci", out->bus_id, sizeof out->bus_id);
}

typedef struct { unsigned version, sensor; int temperature; } Temperature;

int nvmlDeviceGetTemperatureV(Handle *handle, Temperature *out) {
    return nvmlDeviceGetTemperature(handle, out->sensor, (unsigned *)&out->temperature);
}

typedef struct { unsigned version; unsigned char cluster[16]; int status; unsigned clique; unsigned char state; unsigned health; } Fabric;

int nvmlDeviceGetGpuFabricInfoV(Handle *handle, Fabric *out) {
    unsigned long long found[4] = {0};
    int result = ask(handle, "fabric", 4, found); /* status, clique, state, health */
    out->status = (int)found[0], out->clique = (unsigned)found[1], out->state = (unsigned char)found[2], out->health = (unsigned)found[3];
    return result;
}

typedef struct { unsigned id, scope; int64_t timestamp, latency; unsigned type; int result; unsigned long long value; } Field;

int nvmlDeviceGetFieldValues(Handle *handle, int count, Field *fields) {
    int result = enter();
    const char *ignored;
    if (!result && (result = get(handle, "uuid", &ignored)) == NOT_SUPPORTED) result = SUCCESS;
    for (int n = 0; !result && n < count; n++) {
        char name[64];
        snprintf(name, sizeof name, "field.%u", fields[n].id);
        fields[n].type = 3; /* unsigned long long */
        fields[n].value = 0;
        fields[n].result = numbers(handle, name, 1, &fields[n].value);
    }
    return leave(result);
}

typedef struct { unsigned pid; unsigned long long memory; unsigned gi, ci; } Process;

int nvmlDeviceGetComputeRunningProcesses_v3(Handle *handle, unsigned *count, Process *out) { /* pid:memory:gi:ci,… */
    const char *found = "";
    int result = enter();
    if (!result) result = get(handle, "processes", &found);
    unsigned room = *count, there = 0;
    while (!result && *found) {
        Process each = {0};
        if (sscanf(found, "%u:%llu:%u:%u", &each.pid, &each.memory, &each.gi, &each.ci) < 2) break;
        if (there < room) out[there] = each;
        there++;
        found += strcspn(found, ",");
        found += *found == ',';
    }
    *count = there;
    return leave(!result && there > room ? INSUFFICIENT_SIZE : result);
}

typedef struct { unsigned pid; unsigned long long at; unsigned sm, memory, encoder, decoder; } Work;

int nvmlDeviceGetProcessUtilization(Handle *handle, Work *out, unsigned *count, unsigned long long since) { /* pid:at:sm,… */
    const char *found = "";
    int result = enter();
    if (!result) result = get(handle, "process_utilization", &found);
    unsigned room = out ? *count : 0, there = 0;
    while (!result && *found) {
        Work each = {0};
        if (sscanf(found, "%u:%llu:%u", &each.pid, &each.at, &each.sm) < 3) break;
        if (each.at > since) {
            if (there < room) out[there] = each;
            there++;
        }
        found += strcspn(found, ",");
        found += *found == ',';
    }
    *count = there;
    if (!result && !there) result = NOT_FOUND;
    return leave(!result && there > room ? INSUFFICIENT_SIZE : result);
}

/* --- MIG ------------------------------------------------------------------------------------------ */

int nvmlDeviceGetMigDeviceHandleByIndex(Handle *handle, unsigned index, Handle **out) {
    const char *ignored;
    int result = enter();
    if (!result && (result = get(handle, "mig_handles", &ignored)) == NOT_SUPPORTED) result = SUCCESS;
    return leave(result ? result : child(handle->path, "mig", index, "uuid", out));
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(Handle *handle, Handle **out) {
    char path[48];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(handle->path, "."), handle->path);
    int result = enter();
    *out = handle_of(path);
    return leave(result);
}

typedef struct { unsigned parts[8]; unsigned long long memory_mb; } Attributes;

int nvmlDeviceGetAttributes_v2(Handle *handle, Attributes *out) {
    unsigned long long found[9] = {0};
    int result = ask(handle, "attributes", 9, found);
    for (int n = 0; n < 8; n++) out->parts[n] = (unsigned)found[n];
    out->memory_mb = found[8];
    return result;
}

#include "mig.c"

/* --- GPM: a sample remembers whose it is, a pair of them gives what stands in the file ------------- */

typedef struct { char path[48]; } Sample;
typedef struct { unsigned id; int result; double value; const char *info[3]; } Metric;
typedef struct { unsigned version, count; Sample *first, *second; Metric metrics[1]; } Metrics;
typedef struct { unsigned version, supported; } Support;

int nvmlGpmQueryDeviceSupport(Handle *handle, Support *out) {
    unsigned found = 0;
    unsigned long long wide = 0;
    int result = ask(handle, "gpm", 1, &wide);
    found = (unsigned)wide;
    out->supported = found;
    return result == NOT_SUPPORTED ? SUCCESS : result;
}

int nvmlGpmSampleAlloc(Sample **out) { return (*out = calloc(1, sizeof **out)) ? SUCCESS : INVALID; }

int nvmlGpmSampleFree(Sample *sample) {
    free(sample);
    return SUCCESS;
}

int nvmlGpmSampleGet(Handle *handle, Sample *out) {
    const char *ignored;
    int result = enter();
    if (!result) result = get(handle, "gpm", &ignored);
    snprintf(out->path, sizeof out->path, "%s", handle->path);
    return leave(result);
}

int nvmlGpmMigSampleGet(Handle *handle, unsigned gi, Sample *out) {
    int result = nvmlGpmSampleGet(handle, out);
    snprintf(out->path, sizeof out->path, "%.30s.gi%u", handle->path, gi);
    return result;
}

int nvmlGpmMetricsGet(Metrics *asked) {
    int result = enter();
    if (!result && strcmp(asked->first->path, asked->second->path)) result = INVALID;
    for (unsigned n = 0; !result && n < asked->count; n++) {
        Handle owner;
        char name[64];
        const char *found = "";
        snprintf(owner.path, sizeof owner.path, "%s", asked->first->path);
        snprintf(name, sizeof name, "gpm.%u", asked->metrics[n].id);
        asked->metrics[n].result = get(&owner, name, &found);
        asked->metrics[n].value = asked->metrics[n].result ? 0 : strtod(found, NULL);
    }
    return leave(result);
}

/* --- events: a number that grows tells which are new ------------------------------------------------ */

typedef struct { long long last; } EventSet;
typedef struct { Handle *device; unsigned long long type, data; unsigned gi, ci; } Event;

int nvmlEventSetCreate(EventSet **out) {
    int result = enter();
    *out = calloc(1, sizeof **out);
    (*out)->last = number("", "event", 0);
    return leave(result);
}

int nvmlEventSetFree(EventSet *set) {
    free(set);
    return SUCCESS;
}

int nvmlDeviceGetSupportedEventTypes(Handle *handle, unsigned long long *out) { return ask(handle, "events", 1, out); }

int nvmlDeviceRegisterEvents(Handle *handle, unsigned long long types, EventSet *set) {
    (void)types, (void)set;
    unsigned long long supported;
    return ask(handle, "events", 1, &supported);
}

int nvmlEventSetWait_v2(EventSet *set, Event *out, unsigned timeout_ms) {
    for (unsigned waited = 0;; waited += 25) {
        pthread_mutex_lock(&lock);
        read_again(); /* it is one call, however long it waits */
        int result = initialized ? SUCCESS : UNINITIALIZED;
        const char *found = value("", "event");
        long long sequence = found ? strtoll(found, NULL, 0) : 0;
        if (!result && sequence > set->last) {
            char device[48] = "";
            memset(out, 0, sizeof *out);
            sscanf(found, "%*d,%47[^,],%llu,%llu,%u", device, &out->type, &out->data, &out->gi);
            out->device = handle_of(device);
            set->last = sequence;
            return leave(SUCCESS);
        }
        leave(result);
        if (result) return result;
        if (waited >= timeout_ms) return TIMEOUT;
        usleep(25000);
    }
}
