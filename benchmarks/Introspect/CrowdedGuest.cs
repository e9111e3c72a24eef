using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Checkpoint.Freezing;
using Watari.Guests;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Benchmarks.Introspect;

/// <summary>
/// A guest with 500 processes and more, one of which has written memory in small pages, and a container that computes without end
/// while it is not frozen: frozen or not, the same guest idles or has no time to spare.
/// </summary>
internal sealed class CrowdedGuest : IAsyncDisposable
{
    private const int Sleepers = 460; // beside the kernel's own threads and the daemons
    private const int LeastProcesses = 500;
    private const string Spinner = "/counter";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly MeasuredGuest _measured;
    private FrozenTasks? _frozen;

    private CrowdedGuest(MeasuredGuest measured, int mebibytes)
    {
        _measured = measured;
        Kernel = measured.Vm.Kernel();
        Holder = HolderOf(mebibytes);
    }

    public GuestSetting Setting => _measured.Setting;

    public GuestKernel Kernel { get; }

    /// <summary>The process with so much memory.</summary>
    public TaskStruct Holder { get; }

    /// <param name="mebibytes">What one process has written, in pages of 4 KiB.</param>
    /// <param name="cancellation">Ends the start.</param>
    public static async Task<CrowdedGuest> StartAsync(int mebibytes, CancellationToken cancellation)
    {
        var options = new GuestOptions
        {
            MemoryMiB = 1024 + mebibytes + (mebibytes / 8),
            KernelArguments = "transparent_hugepage=never",
            // tail keeps all that could be the end of the last line.
            Setup = $"""
                setsid sh -c 'for i in $(seq {Sleepers}); do sleep infinity & done; wait' </dev/null >/dev/null 2>&1 &
                (head -c {mebibytes}M /dev/zero; touch /run/held; sleep infinity) | setsid tail >/dev/null 2>&1 &
                watari-run redis
                sed -i 's|"/bin/counter"|"/bin/counter", "--spin"|' /var/lib/watari/bundles/counter/config.json; watari-run counter
                until [ -e /run/held ]; do sleep 0.1; done
                """,
        };
        MeasuredGuest measured = await MeasuredGuest.StartAsync(options, cancellation);
        try
        {
            return new CrowdedGuest(measured, mebibytes);
        }
        catch
        {
            await measured.DisposeAsync();
            throw;
        }
    }

    public void Idle() => _frozen ??= _measured.Vm.Freezer().Freeze(new TaskSelection.OfCgroup(Spinner), s_patience);

    public void Compute()
    {
        if (_frozen is { } frozen) _measured.Vm.Freezer().Thaw(frozen, s_patience);
        _frozen = null;
    }

    public ValueTask DisposeAsync() => _measured.DisposeAsync();

    private TaskStruct HolderOf(int mebibytes)
    {
        int processes = 0;
        TaskStruct? holder = null;
        foreach (TaskStruct process in Kernel.Processes)
        {
            processes++;
            if (process.Comm.SequenceEqual("tail"u8)) holder = process;
        }

        if (processes < LeastProcesses) throw new InvalidOperationException($"The guest has {processes} processes, and at least {LeastProcesses} are to be measured.");
        if (holder is not { } found) throw new InvalidOperationException("No process of the guest holds the memory that is to be measured.");
        long present = Reading.Pages(found).Objects;
        return present >= ((long)mebibytes << 20) / GuestPage.Size ? found : throw new InvalidOperationException($"The process holds {present} pages, and {mebibytes} MiB are to be measured.");
    }
}
