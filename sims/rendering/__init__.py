"""How a simulated world is turned into pictures: meshes, a rasteriser, lights and textures, and a noisy depth sensor.

:mod:`sims.camera` is the way in. A picture is made in two passes (:mod:`sims.rendering.kernels`): which triangle each
pixel sees, then what colour that triangle has there.
"""
