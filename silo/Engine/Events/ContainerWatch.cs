using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Events;

/// <summary>
/// Looks at the containers of this host's VMs, again and again as long as somebody asks, and keeps what must have happened between two looks. Each
/// second it glances at a guest's memory; it looks at all that is written of its containers when the glance has seen a change, and now and then.
/// </summary>
internal sealed class ContainerWatch(string host, OpenVms vms, VmLooks looks, EngineThreads threads, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    /// <summary>What a glance does not see, as what Docker's own containerd keeps, is seen then.</summary>
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(30);

    /// <summary>A VM that hangs holds up no other.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_deed = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_unasked = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly EventRing _ring = new();
    private readonly Deeds _deeds = new(time);
    private readonly ConcurrentDictionary<string, WatchedVm> _watched = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closing = new();
    private TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _looking = Task.CompletedTask;
    private long _asked;

    /// <summary>The events from a place on. The first who asks waits until each VM was looked at once.</summary>
    public async Task<EventsPiece> ReadAsync(EventsPlace? from, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        Task first;
        lock (_gate)
        {
            _asked = time.GetTimestamp();
            if (_looking.IsCompleted && !_closing.IsCancellationRequested)
            {
                TaskCompletionSource begun = _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _looking = Task.Run(() => LookAsync(begun), CancellationToken.None);
            }

            first = _first.Task;
        }

        await first.WaitAsync(cancellationToken);
        return _ring.Read(from, since, [.. _watched.Values.Select(vm => vm.Problem).OfType<string>().Order(StringComparer.Ordinal)]);
    }

    /// <summary>Watari begins to work on a container.</summary>
    public void Begin(string vm, WorkloadId workload)
    {
        if (workload.Container is { } container) _deeds.Begin(vm, container);
    }

    /// <summary>It has ended that work.</summary>
    /// <param name="kind">What has been done; null: nothing, or all was undone.</param>
    public void End(string vm, string? container, ContainerEventKind? kind, string job)
    {
        if (container is not null) _deeds.End(vm, container, kind, job);
    }

    public async ValueTask DisposeAsync()
    {
        Task looking;
        lock (_gate)
        {
            _closing.Cancel();
            looking = _looking;
        }

        await looking;
        await Task.WhenAll(_watched.Values.Select(vm => vm.Looking));
        _closing.Dispose();
    }

    private async Task LookAsync(TaskCompletionSource first)
    {
        using var turns = new PeriodicTimer(s_interval, time);
        try
        {
            do
            {
                IReadOnlyList<string> names = vms.Names;
                foreach ((string name, WatchedVm gone) in _watched)
                {
                    if (!names.Contains(name) && _watched.TryRemove(name, out _)) _ring.Add(gone.End(new VmId(host, name), time.GetUtcNow()));
                }

                await Task.WhenAll(names.Select(LookSoonAsync));
                first.TrySetResult();
            }
            while (time.GetElapsedTime(Volatile.Read(ref _asked)) < s_unasked && await turns.WaitForNextTickAsync(_closing.Token));
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // The host ends.
        }
        finally
        {
            first.TrySetResult();
        }
    }

    private async Task LookSoonAsync(string name)
    {
        WatchedVm vm = _watched.GetOrAdd(name, _ => new WatchedVm());
        if (vm.Looking.IsCompleted && !_deeds.IsAtWork(name, s_deed)) vm.Looking = LookAtAsync(name, vm);
        try
        {
            await vm.Looking.WaitAsync(s_patience, _closing.Token);
        }
        catch (TimeoutException)
        {
            vm.Problem = $"{host}/{name} has not answered within {s_patience.TotalSeconds:0} s.";
        }
    }

    /// <summary>Never fails.</summary>
    private async Task LookAtAsync(string name, WatchedVm vm)
    {
        try
        {
            string? glance = await GlanceAsync(name, vm);
            if (vm.IsKnown && glance == vm.Glance && !vm.IsBehind && !_deeds.HasEnded(name) && time.GetElapsedTime(vm.Looked) < s_look) return;
            long began = time.GetTimestamp();
            (IReadOnlyDictionary<string, SeenContainer> seen, bool isWhole) = await looks.TakeAsync(name, SeenContainer.Of, _closing.Token);
            _ring.Add(vm.See(seen, isWhole, new VmId(host, name), time.GetUtcNow(), container => _deeds.Take(name, container, began)));
            _deeds.Forget(name, began);
            vm.Glance = glance;
            vm.Looked = began;
            vm.Problem = null;
        }
        catch (Exception e) when (e is EngineException or OperationCanceledException)
        {
            vm.Problem = $"{host}/{name}: {e.Message}";
        }
    }

    /// <summary>Null of a guest whose memory cannot be read: that it is off, or hangs.</summary>
    private async Task<string?> GlanceAsync(string name, WatchedVm vm)
    {
        try
        {
            await using VmLease lease = await vms.LeaseAsync(name, _closing.Token);
            GuestVm guest = lease.Vm;
            return await Failures.ExplainAsync(name, () => threads.RunAsync(() => Glance.At(guest.Kernel(), vm.Ids), _closing.Token));
        }
        catch (EngineException)
        {
            return null; // the look says why
        }
    }
}
