using System.CommandLine;
using Watari.Fuzzing;

// A hostile guest, a million times: spoils a guest's RAM where introspection and capture read it, or its disk, and looks. Each look must
// end, soon, in what it sees or in a typed error.

Option<string> image = new("--image") { Description = "directory of the snapshot", DefaultValueFactory = _ => "/var/cache/watari/fuzz" };
Option<ulong> seed = new("--seed") { Description = "what the changes follow from; by default the time" };
Option<long> runs = new("--runs") { Description = "how many", DefaultValueFactory = _ => 1_000_000 };
Option<ulong> first = new("--first") { Description = "the number of the first run" };
Option<ulong?> single = new("--run") { Description = "this run alone, with all that is known of it" };
Option<bool> built = new("--built") { Description = "attach to small kernels that are built, instead of the snapshot" };
Option<bool> disk = new("--disk") { Description = "read disks that are built, instead of the snapshot" };
Option<bool> product = new("--limits-of-product") { Description = "the limits that a silo has, not tighter ones: looks may take seconds" };
RootCommand root = new("Looks at guests that lie.") { image, seed, first, runs, single, built, disk, product };
root.SetAction((parsed, cancellation) =>
{
    (IntrospectionLimits limits, RunBounds bounds) = parsed.GetValue(product) ? (IntrospectionLimits.Default, Session.ProductBounds) : (Session.TightLimits, Session.TightBounds);
    ulong wanted = parsed.GetResult(seed) is { Implicit: false } ? parsed.GetValue(seed) : (ulong)DateTime.UtcNow.Ticks % 1_000_000;
    // Off this thread: a signal that comes meanwhile is taken here, and the report made of what there is.
    return Task.Run(() =>
    {
        using IMaterial material = parsed.GetValue(disk) ? new DiskMaterial() : parsed.GetValue(built) ? new BuiltMaterial(limits) : new SnapshotMaterial(Snapshot.Open(parsed.GetValue(image)!), limits);
        return Session.Run(material, bounds, wanted, parsed.GetValue(first), parsed.GetValue(runs), parsed.GetValue(single), cancellation);
    });
});

Option<int> memory = new("--memory") { Description = "MiB of the guest", DefaultValueFactory = _ => 384 };
Command snapshot = new("snapshot", "boots a guest and keeps what its RAM holds") { image, memory };
snapshot.SetAction(async (parsed, cancellation) =>
{
    await Snapshot.TakeAsync(parsed.GetValue(image)!, parsed.GetValue(memory), cancellation);
    return 0;
});
root.Add(snapshot);
return await root.Parse(args).InvokeAsync();
