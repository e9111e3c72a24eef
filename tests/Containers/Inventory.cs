namespace Watari.Containers.Tests;

/// <summary>The inventory of a guest that does not run.</summary>
internal static class Inventory
{
    public static ContainerInventory Of(FileTree files, ContainerLimits? limits = null) => ContainerInventory.Read(() => files, kernel: null, withSizes: true, limits);
}
