using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Vms;

/// <summary>When a silo starts: VMs that an earlier one held when it was killed go on at once, not only when somebody asks about them.</summary>
internal sealed partial class AbandonedVms(HostEngine engine, ILogger<AbandonedVms> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(engine.AbandonedVms.Select(async name =>
    {
        try
        {
            await engine.AttachAsync(name, stoppingToken);
            Freed(name);
        }
        catch (EngineException e)
        {
            NotReached(name, e.Message);
        }
    }));

    [LoggerMessage(Level = LogLevel.Warning, Message = "VM {Vm} was held when an earlier silo of this host died; it runs on, unless it was paused by somebody else meanwhile")]
    private partial void Freed(string vm);

    [LoggerMessage(Level = LogLevel.Error, Message = "VM {Vm} was held when an earlier silo of this host died, and may stand still until it can be attached to: {Reason}")]
    private partial void NotReached(string vm, string reason);
}
