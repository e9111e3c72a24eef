using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;
using Watari.Hypervisor;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// The VMs of this host, found by their monitor sockets: <c>RUN/HOST/vms/NAME/qmp.sock</c>. A VM that its QEMU left is let go
/// and looked for anew.
/// </summary>
internal sealed class OpenVms(string runDirectory) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, GuestVm> _open = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>Names of all VMs that have a monitor socket here, alive or not.</summary>
    public IReadOnlyList<string> Names =>
        !Directory.Exists(runDirectory)
            ? []
            : [.. Directory.EnumerateDirectories(runDirectory)
                .Where(directory => File.Exists(Path.Combine(directory, "qmp.sock")))
                .Select(directory => Path.GetFileName(directory)!)
                .Order(StringComparer.Ordinal)];

    /// <exception cref="EngineException">There is no such VM, or it cannot be attached to.</exception>
    public async Task<GuestVm> GetAsync(string name, CancellationToken cancellationToken)
    {
        if (_open.TryGetValue(name, out GuestVm? open) && open.Fate != VmStatus.Unreachable) return open;
        string directory = Path.Combine(runDirectory, name);
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_open.TryGetValue(name, out open))
            {
                if (open.Fate != VmStatus.Unreachable) return open;
                _open.TryRemove(name, out _);
                await open.DisposeAsync();
            }

            if (Path.GetFileName(name) != name || !File.Exists(Path.Combine(directory, "qmp.sock")))
            {
                string known = string.Join(", ", Names);
                throw new EngineException(FailureKind.NotFound, $"There is no VM '{name}' on this host; {(known.Length > 0 ? $"it has {known}." : "it has none.")}");
            }

            return _open[name] = await GuestVm.AttachAsync(name, directory, cancellationToken);
        }
        catch (HypervisorException e)
        {
            throw new EngineException(FailureKind.VmLost, $"VM '{name}' cannot be attached to: {e.Message}", e);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (GuestVm vm in _open.Values) await vm.DisposeAsync();
        _open.Clear();
        _gate.Dispose();
    }
}
