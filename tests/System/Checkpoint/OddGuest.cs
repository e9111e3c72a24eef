using System.Globalization;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Verdicts;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;

namespace Watari.SystemTests.Checkpoint;

/// <summary>A guest in which programs with odd objects are started, and judged from outside.</summary>
public sealed class OddGuest : IAsyncLifetime
{
    private Guest? _guest;
    private VirtualMachine? _vm;
    private TestVm? _seen;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _guest = await Guest.StartAsync(cancellation: Cancellation);
        _vm = await _guest.AttachAsync(Cancellation);
        _seen = new TestVm(_vm);
    }

    /// <summary>What is said of a program that holds the object, while it runs. The program is gone afterwards.</summary>
    public async Task<IReadOnlyList<Verdict>> JudgeAsync(string oddity)
    {
        string pid = await _guest!.Console.CheckAsync($"odd {oddity}", StockGuest.Patience, Cancellation);
        try
        {
            using StillGuest still = _seen!.Hold();
            return ContainerCapture.Judge(still, new TaskSelection.OfProcessTree(int.Parse(pid, CultureInfo.InvariantCulture)));
        }
        finally
        {
            // System V objects outlive their makers, and a later program may get the pid of one.
            await _guest.Console.CheckAsync("pkill -9 -x 'odd|odd.32'; ipcrm --all", StockGuest.Patience, Cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_vm is not null) await _vm.DisposeAsync();
        if (_guest is not null) await _guest.DisposeAsync();
    }
}
