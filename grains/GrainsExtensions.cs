using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Watari.Grains.Cluster;
using Watari.Grains.Engine;
using Watari.Grains.Faults;
using Watari.Grains.Hosts;
using Watari.Grains.Migrations;

namespace Watari.Grains;

/// <summary>What a silo needs to run the grains; storage, reminders and the host's <see cref="IHostEngine"/> are registered beside it.</summary>
public static class GrainsExtensions
{
    /// <param name="host">Name of the host that the silo stands for.</param>
    /// <param name="faults">Armed fault points; none unless told.</param>
    public static ISiloBuilder AddWatariGrains(this ISiloBuilder silo, string host, FaultPoints? faults = null)
    {
        silo.UseSiloMetadata(new Dictionary<string, string> { [HostPinnedDirector.MetadataKey] = host });
        silo.Services.AddPlacementDirector<HostPinnedStrategy, HostPinnedDirector>();
        silo.AddIncomingGrainCallFilter<EngineExceptionFilter>();
        silo.Services.TryAddSingleton(TimeProvider.System);
        silo.Services.AddSingleton(faults ?? new FaultPoints());
        silo.Services.AddSingleton(services => ActivatorUtilities.CreateInstance<JobRecords>(services, host));
        silo.Services.AddSingleton<HostCommands>();
        silo.Services.AddSingleton<EngineCalls>();
        silo.Services.AddSingleton<ILifecycleParticipant<ISiloLifecycle>, Supervisor>();
        return silo;
    }
}
