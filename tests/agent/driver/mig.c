/* MIG instances: what a GPU can be cut into, made and destroyed as the driver does. A part of nvml.c. */

/* What a GPU can be cut into: id, slices, how many, multiprocessors, engines (copy, decoder, encoder, JPEG, OFA), memory
 * in MiB, name. */
typedef struct { unsigned id, p2p, slices, count, multiprocessors, engines[5]; } Profile;
typedef struct { Profile profile; unsigned long long memory_mb; char name[96]; } Cut;
typedef struct { unsigned version; Profile profile; unsigned long long memory_mb; char name[96]; } CutV;
typedef struct { unsigned start, size; } Placement;

enum { PROFILES = 32, INSTANCES = 16 };

static int profile_at(const Handle *gpu, unsigned index, Cut *out) {
    char name[64];
    const char *found;
    memset(out, 0, sizeof *out);
    snprintf(name, sizeof name, "profile.%u", index);
    int result = get(gpu, name, &found);
    unsigned *numbers_of = (unsigned *)&out->profile;
    for (int n = 0; !result && n < 10; n++) {
        char *end;
        unsigned long long each = strtoull(found, &end, 10);
        if (n < 9) numbers_of[n ? n + 1 : 0] = (unsigned)each; else out->memory_mb = each;
        found = end + (*end == ',');
    }
    if (!result) snprintf(out->name, sizeof out->name, "%s", found);
    return result;
}

static int profile_of(const Handle *gpu, unsigned id, Cut *out) {
    for (unsigned index = 0; index < PROFILES; index++)
        if (!profile_at(gpu, index, out) && out->profile.id == id) return SUCCESS;
    return INVALID;
}

static int cuttable(const Handle *gpu) {
    unsigned long long mode[2] = {0};
    int result = gpu && !strchr(gpu->path, '.') ? numbers(gpu, "mig_mode", 2, mode) : INVALID;
    return result ? result : mode[0] ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetGpuInstanceProfileInfo(Handle *handle, unsigned index, Cut *out) {
    Cut found;
    int result = enter();
    if (!result) result = index < PROFILES ? profile_at(handle, index, &found) : INVALID;
    if (!result) memcpy(out, &found, offsetof(Cut, name));
    return leave(result);
}

int nvmlDeviceGetGpuInstanceProfileInfoV(Handle *handle, unsigned index, CutV *out) {
    Cut found;
    int result = enter();
    if (!result && out->version != (2 << 24 | sizeof *out)) result = VERSION_MISMATCH;
    if (!result) result = index < PROFILES ? profile_at(handle, index, &found) : INVALID;
    if (!result) {
        out->profile = found.profile, out->memory_mb = found.memory_mb;
        memcpy(out->name, found.name, sizeof out->name);
    }
    return leave(result);
}

static unsigned placements_of(const Handle *gpu, unsigned id, Placement out[16]) {
    char name[64];
    const char *found;
    unsigned there = 0;
    snprintf(name, sizeof name, "placements.%u", id);
    if (get(gpu, name, &found)) return 0;
    while (there < 16 && sscanf(found, "%u:%u", &out[there].start, &out[there].size) == 2) {
        there++;
        found += strcspn(found, ",");
        found += *found == ',';
    }
    return there;
}

int nvmlDeviceGetGpuInstancePossiblePlacements_v2(Handle *handle, unsigned id, Placement *out, unsigned *count) {
    Placement found[16];
    Cut profile;
    int result = enter();
    if (!result) result = profile_of(handle, id, &profile);
    unsigned there = result ? 0 : placements_of(handle, id, found);
    if (!result && out && *count < there) result = INSUFFICIENT_SIZE;
    if (!result && out) memcpy(out, found, there * sizeof *found);
    *count = there;
    return leave(result);
}

/* GPU instances: gpu0.gi1.placement=profile,start,size */

typedef struct { void *device; unsigned id, profile, start, size; } GpuInstance;

static int instance_at(const Handle *gpu, unsigned id, GpuInstance *out) {
    unsigned long long found[3] = {0};
    char name[64];
    snprintf(name, sizeof name, "gi%u.placement", id);
    int result = numbers(gpu, name, 3, found);
    *out = (GpuInstance){(void *)gpu, id, (unsigned)found[0], (unsigned)found[1], (unsigned)found[2]};
    return result;
}

static Handle *gpu_of(const Handle *handle) {
    char path[48];
    snprintf(path, sizeof path, "%.*s", (int)strcspn(handle->path, "."), handle->path);
    return handle_of(path);
}

static unsigned id_in(const Handle *handle, const char *kind) {
    const char *found = strstr(handle->path, kind);
    return found ? (unsigned)atoi(found + strlen(kind)) : 0;
}

/* A handle of what was destroyed since is not valid any more. */
static int instance_of(const Handle *handle, GpuInstance *out) {
    if (!handle || !strstr(handle->path, ".gi")) return INVALID;
    int result = instance_at(gpu_of(handle), id_in(handle, ".gi"), out);
    return result == NOT_SUPPORTED ? INVALID : result;
}

int nvmlDeviceGetGpuInstanceById(Handle *handle, unsigned id, Handle **out) {
    int result = enter();
    return leave(result ? result : child(handle->path, "gi", id, "placement", out));
}

int nvmlDeviceGetGpuInstances(Handle *handle, unsigned profile, Handle **out, unsigned *count) {
    GpuInstance each;
    Cut ignored;
    int result = enter();
    if (!result) result = cuttable(handle);
    if (!result) result = profile_of(handle, profile, &ignored);
    *count = 0;
    for (unsigned id = 0; !result && id < INSTANCES; id++)
        if (!instance_at(handle, id, &each) && each.profile == profile)
            result = child(handle->path, "gi", id, "placement", &out[(*count)++]);
    return leave(result);
}

int nvmlGpuInstanceGetInfo(Handle *handle, GpuInstance *out) {
    int result = enter();
    return leave(result ? result : instance_of(handle, out));
}

/* Since Hopper at once, if nobody computes there and nothing is cut; else after a reset. */
int nvmlDeviceSetMigMode(Handle *gpu, unsigned wanted, unsigned *status) {
    unsigned long long mode[2] = {0}, architecture = 0;
    const char *processes;
    char key[64];
    GpuInstance each;
    int result = enter();
    if (!result) result = numbers(gpu, "mig_mode", 2, mode);
    if (!result) result = begin_change();
    if (result) return leave(result);
    numbers(gpu, "architecture", 1, &architecture);
    *status = (processes = value(gpu->path, "processes")) && *processes ? IN_USE : SUCCESS;
    for (unsigned id = 0; id < INSTANCES; id++)
        if (!instance_at(gpu, id, &each)) *status = IN_USE;
    if (!*status && architecture < 9 && wanted != mode[0]) *status = RESET_REQUIRED;
    snprintf(key, sizeof key, "%s.mig_mode=", gpu->path);
    without(key);
    with("%s%llu,%u", key, *status ? mode[0] : wanted, wanted);
    return leave(end_change(SUCCESS));
}

/* Who listens is told, as the driver does. */
static void say_changed(const char *gpu) {
    long long sequence = number("", "event", 0);
    without("event=");
    with("event=%lld,%s,256,0,4294967295", sequence + 1, gpu);
}

static int make_instance(Handle *gpu, unsigned id, const Placement *wanted, Handle **out) {
    Cut profile, other;
    GpuInstance each;
    Placement possible[16];
    const char *refused;
    int result = cuttable(gpu);
    if (!result) result = profile_of(gpu, id, &profile);
    if (!result && (result = get(gpu, "create_gi", &refused)) == NOT_SUPPORTED) result = SUCCESS;
    if (result) return result;
    unsigned compute = profile.profile.slices, alike = 0, taken = 0;
    for (unsigned n = 0; n < INSTANCES; n++)
        if (!instance_at(gpu, n, &each)) {
            if (!profile_of(gpu, each.profile, &other)) compute += other.profile.slices;
            alike += each.profile == id;
            taken |= ((1u << each.size) - 1) << each.start;
        }
    unsigned there = placements_of(gpu, id, possible), listed = !wanted, place = there;
    for (unsigned n = there; n-- > 0;) {
        int same = wanted && wanted->start == possible[n].start && wanted->size == possible[n].size;
        listed |= (unsigned)same;
        if (wanted && !same) continue;
        if (!(taken & ((1u << possible[n].size) - 1) << possible[n].start)) place = n;
    }
    if (!listed) return INVALID;
    if (place == there || compute > 7 || alike >= profile.profile.count) return INSUFFICIENT_RESOURCES;
    /* as H100 numbers them: the whole, halves, quarters, eighths */
    unsigned fresh = profile.profile.slices >= 7 ? 0 : profile.profile.slices >= 3 ? 1 : profile.profile.slices == 2 ? 3 : 7;
    while (!instance_at(gpu, fresh, &each)) fresh++;
    say_changed(gpu->path);
    with("%s.gi%u.placement=%u,%u,%u", gpu->path, fresh, id, possible[place].start, possible[place].size);
    with("%s.gi%u.gpm.1=0", gpu->path, fresh);
    with("%s.gi%u.gpm.2=0", gpu->path, fresh);
    char path[48];
    snprintf(path, sizeof path, "%.32s.gi%u", gpu->path, fresh);
    *out = handle_of(path);
    return SUCCESS;
}

static int create_instance(Handle *gpu, unsigned id, const Placement *wanted, Handle **out) {
    int result = enter();
    if (!result && !(result = begin_change())) result = end_change(make_instance(gpu, id, wanted, out));
    return leave(result);
}

int nvmlDeviceCreateGpuInstance(Handle *gpu, unsigned id, Handle **out) { return create_instance(gpu, id, NULL, out); }

int nvmlDeviceCreateGpuInstanceWithPlacement(Handle *gpu, unsigned id, const Placement *wanted, Handle **out) {
    return wanted ? create_instance(gpu, id, wanted, out) : INVALID;
}

/* Whether destroying is refused: by the file, or as another client uses it. */
static int refused(const Handle *gpu, const char *key) {
    const char *ignored;
    int result = get(gpu, key, &ignored);
    if (result && result != NOT_SUPPORTED) return result;
    char path[64];
    snprintf(path, sizeof path, "%s.busy=", gpu->path);
    long long busy = number(gpu->path, "busy", 0);
    if (busy <= 0) return SUCCESS;
    without(path);
    with("%s%lld", path, busy - 1);
    return IN_USE;
}

/* Compute instances: gpu0.gi1.ci0.placement=profile,start,size; each is a MIG device: gpu0.mig2.gi=1, gpu0.mig2.ci=0 */

typedef struct { void *device, *instance; unsigned id, profile, start, size; } ComputeInstance;
typedef struct { unsigned version; unsigned numbers[9]; char name[96]; } ComputeProfileV;

static int compute_at(const Handle *instance, unsigned id, ComputeInstance *out) {
    unsigned long long found[3] = {0};
    char name[64];
    snprintf(name, sizeof name, "ci%u.placement", id);
    int result = numbers(instance, name, 3, found);
    *out = (ComputeInstance){gpu_of(instance), (void *)instance, id, (unsigned)found[0], (unsigned)found[1], (unsigned)found[2]};
    return result;
}

static int compute_of(const Handle *handle, ComputeInstance *out) {
    char path[48];
    const char *end = handle ? strstr(handle->path, ".ci") : NULL;
    if (!end) return INVALID;
    snprintf(path, sizeof path, "%.*s", (int)(end - handle->path), handle->path);
    int result = compute_at(handle_of(path), id_in(handle, ".ci"), out);
    return result == NOT_SUPPORTED ? INVALID : result;
}

/* Those that `nvidia-smi mig -lcip` lists: not every number of slices, and one more of a single slice, with media. */
static int compute_profile(unsigned index, unsigned slices, unsigned *id, unsigned *of) {
    static const unsigned sizes[] = {1, 2, 3, 4, 7, 0, 0, 1};
    *id = index;
    *of = index < 8 ? sizes[index] : 0;
    if (!*of) return index < 9 ? NOT_SUPPORTED : INVALID;
    return *of > slices || (*of == 3 && slices == 4) ? NOT_SUPPORTED : SUCCESS;
}

static int compute_profile_in(const Handle *handle, unsigned index, unsigned engines, ComputeProfileV *out) {
    GpuInstance instance;
    Cut profile;
    int result = enter();
    if (!result) result = instance_of(handle, &instance);
    if (!result) result = profile_of(gpu_of(handle), instance.profile, &profile);
    if (!result) result = engines ? INVALID : compute_profile(index, profile.profile.slices, &out->numbers[0], &out->numbers[1]);
    if (!result) {
        unsigned slices = profile.profile.slices, mine = out->numbers[1];
        out->numbers[2] = slices / mine;
        out->numbers[3] = profile.profile.multiprocessors / slices * mine;
        memcpy(&out->numbers[4], profile.profile.engines, sizeof profile.profile.engines);
        if (mine == slices) snprintf(out->name, sizeof out->name, "%s", profile.name);
        else snprintf(out->name, sizeof out->name, "MIG %uc.%.64s", mine, profile.name + 4);
    }
    return leave(result);
}

int nvmlGpuInstanceGetComputeInstanceProfileInfoV(Handle *handle, unsigned index, unsigned engines, ComputeProfileV *out) {
    if (out->version != (2 << 24 | sizeof *out)) return VERSION_MISMATCH;
    return compute_profile_in(handle, index, engines, out);
}

int nvmlGpuInstanceGetComputeInstanceProfileInfo(Handle *handle, unsigned index, unsigned engines, unsigned *out) {
    ComputeProfileV found;
    int result = compute_profile_in(handle, index, engines, &found);
    if (!result) memcpy(out, found.numbers, sizeof found.numbers);
    return result;
}

static int make_compute(Handle *handle, unsigned id, Handle **out) {
    GpuInstance instance;
    ComputeInstance each;
    Cut profile;
    const char *said;
    unsigned of, ignored, taken = 0, fresh = INSTANCES, index = 0;
    Handle *gpu = handle ? gpu_of(handle) : NULL;
    int result = instance_of(handle, &instance);
    if (!result) result = profile_of(gpu, instance.profile, &profile);
    if (!result) result = compute_profile(id, profile.profile.slices, &ignored, &of);
    if (!result && (result = get(gpu, "create_ci", &said)) == NOT_SUPPORTED) result = SUCCESS;
    if (result) return result;
    for (unsigned n = INSTANCES; n-- > 0;)
        if (compute_at(handle, n, &each)) fresh = n; else taken += each.size;
    if (taken + of > profile.profile.slices) return INSUFFICIENT_RESOURCES;
    char path[48], mig[48];
    do snprintf(mig, sizeof mig, "%.32s.mig%u", gpu->path, index++);
    while (value(mig, "uuid"));
    const char *model = value(gpu->path, "name");
    unsigned long long bytes = profile.memory_mb << 20;
    char *name;
    if (asprintf(&name, "%s %s", model ? model : "", profile.name) < 0) abort();
    say_changed(gpu->path);
    with("%s.ci%u.placement=%u,%u,%u", handle->path, fresh, id, taken, of);
    with("%s.uuid=MIG-%u%x%06x-0000-0000-0000-000000000000", mig, id_in(gpu, "gpu"), instance.id, fresh);
    with("%s.name=%s", mig, name);
    free(name);
    with("%s.gi=%u", mig, instance.id);
    with("%s.ci=%u", mig, fresh);
    with("%s.memory=%llu,0,%llu,0", mig, bytes, bytes);
    with("%s.processes=", mig);
    unsigned *engines = profile.profile.engines;
    with("%s.attributes=%u,%u,%u,%u,%u,%u,%u,%u,%llu", mig, profile.profile.multiprocessors / profile.profile.slices * of,
         engines[0], engines[1], engines[2], engines[3], engines[4], profile.profile.slices, of, profile.memory_mb);
    snprintf(path, sizeof path, "%.40s.ci%u", handle->path, fresh);
    *out = handle_of(path);
    return SUCCESS;
}

int nvmlGpuInstanceCreateComputeInstance(Handle *handle, unsigned id, Handle **out) {
    int result = enter();
    if (!result && !(result = begin_change())) result = end_change(make_compute(handle, id, out));
    return leave(result);
}

int nvmlGpuInstanceGetComputeInstanceById(Handle *handle, unsigned id, Handle **out) {
    GpuInstance ignored;
    int result = enter();
    if (!result) result = instance_of(handle, &ignored);
    return leave(result ? result : child(handle->path, "ci", id, "placement", out));
}

int nvmlGpuInstanceGetComputeInstances(Handle *handle, unsigned profile, Handle **out, unsigned *count) {
    GpuInstance instance;
    ComputeInstance each;
    int result = enter();
    if (!result) result = instance_of(handle, &instance);
    *count = 0;
    for (unsigned id = 0; !result && id < INSTANCES; id++)
        if (!compute_at(handle, id, &each) && each.profile == profile)
            result = child(handle->path, "ci", id, "placement", &out[(*count)++]);
    return leave(result);
}

int nvmlComputeInstanceGetInfo_v2(Handle *handle, ComputeInstance *out) {
    int result = enter();
    return leave(result ? result : compute_of(handle, out));
}

/* Of a compute instance: its MIG device's index, else -1. */
static int device_of(const Handle *gpu, unsigned gi, unsigned ci) {
    char mig[48];
    for (int index = 0; index < INSTANCES; index++) {
        snprintf(mig, sizeof mig, "%.32s.mig%d", gpu->path, index);
        if (value(mig, "uuid") && number(mig, "gi", -1) == gi && number(mig, "ci", 0) == ci) return index;
    }
    return -1;
}

static int unmake_compute(Handle *handle) {
    ComputeInstance compute;
    char prefix[64];
    int result = compute_of(handle, &compute);
    if (!result) result = refused(compute.device, "destroy_ci");
    if (result) return result;
    int index = device_of(compute.device, id_in(handle, ".gi"), compute.id);
    if (index >= 0) {
        const char *processes;
        snprintf(prefix, sizeof prefix, "%.32s.mig%d", gpu_of(handle)->path, index);
        if ((processes = value(prefix, "processes")) && *processes) return IN_USE;
        strcat(prefix, ".");
        without(prefix);
    }
    snprintf(prefix, sizeof prefix, "%s.", handle->path);
    without(prefix);
    say_changed(gpu_of(handle)->path);
    return SUCCESS;
}

int nvmlComputeInstanceDestroy(Handle *handle) {
    int result = enter();
    if (!result && !(result = begin_change())) result = end_change(unmake_compute(handle));
    return leave(result);
}

static int unmake_instance(Handle *handle) {
    GpuInstance instance;
    char prefix[64];
    int result = instance_of(handle, &instance);
    if (!result) result = refused(instance.device, "destroy_gi");
    for (int index = 0; !result && index < INSTANCES; index++)
        if (device_of(instance.device, instance.id, (unsigned)index) >= 0) result = IN_USE;
    if (result) return result;
    snprintf(prefix, sizeof prefix, "%s.", handle->path);
    without(prefix);
    say_changed(gpu_of(handle)->path);
    return SUCCESS;
}

int nvmlGpuInstanceDestroy(Handle *handle) {
    int result = enter();
    if (!result && !(result = begin_change())) result = end_change(unmake_instance(handle));
    return leave(result);
}
