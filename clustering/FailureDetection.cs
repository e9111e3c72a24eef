using Orleans.Configuration;

namespace Watari.Clustering;

/// <summary>
/// How fast a dead silo is found: grains of a killed silo answer elsewhere after about 1.5 s instead of 16 s. The price of shorter
/// times are false deaths, so whatever uses the CPU for long must run on threads of its own with below-normal priority.
/// </summary>
internal static class FailureDetection
{
    public static void Tune(ClusterMembershipOptions options)
    {
        options.ProbeTimeout = TimeSpan.FromSeconds(1);
        options.MinProbeTimeout = TimeSpan.FromSeconds(0.5);
        options.MaxProbeTimeout = TimeSpan.FromSeconds(1);
        options.NumMissedProbesLimit = 3;
        options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        options.TableRefreshTimeout = TimeSpan.FromSeconds(2);
        // Orleans asks for no more votes than there are other silos: one of two hosts decides alone, of three or more two agree.
        options.NumVotesForDeathDeclaration = 2;
    }

    public static void Tune(GatewayOptions options) => options.GatewayListRefreshPeriod = TimeSpan.FromSeconds(2);
}
