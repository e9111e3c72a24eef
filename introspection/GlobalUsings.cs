global using Watari.Introspection.Kernel;
global using Watari.Introspection.Memory;
global using Watari.Introspection.Paging;
global using Watari.Introspection.Types;
