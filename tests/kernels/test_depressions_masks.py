"""Cells without data, given outlets and fixed ground: carving, filling and routing beside slow versions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from terrains import border, carved_along, ends, flood, outlets_beside, rough, steepest_step, terraced

from kernels.breach import breach
from kernels.depressions import resolve_depressions
from kernels.fixed_point import fixed_point
from kernels.flow import flow_accumulation

few = settings(max_examples=25, deadline=None)
EPSILON = 1e-3


@few
@given(rough | terraced, st.data())
def test_cells_without_data_let_water_out_and_keep_their_values(z, data):
    nodata = data.draw(arrays(np.bool_, z.shape))
    nodata.flat[data.draw(st.integers(0, z.size - 1))] = False
    bare = np.where(nodata, np.float32(np.nan), z)
    outlets = outlets_beside(nodata)
    found = resolve_depressions(bare, nodata=nodata)
    filled, reached = flood(bare, outlets, nodata)
    assert np.array_equal(reached, ~nodata)
    assert np.array_equal(found.filled, filled, equal_nan=True)
    assert np.isnan(found.breached[nodata]).all()
    assert (found.water_depth[nodata] == 0).all()
    assert (found.receivers[nodata] == -1).all()
    assert (found.breached[~nodata] <= z[~nodata]).all()
    assert outlets.ravel()[ends(found.receivers)][~nodata.ravel()].all()
    assert not np.isin(found.receivers[~nodata], np.flatnonzero(nodata)).any()
    assert (steepest_step(found.breached)[~nodata & ~outlets] >= EPSILON).all()
    assert found.mean_depth_m == pytest.approx(found.water_depth[~nodata].mean(dtype=np.float64), rel=1e-5, abs=1e-9)
    area = flow_accumulation(bare, nodata=nodata)
    assert (area[nodata] == 0).all()
    assert area[outlets].sum() == np.count_nonzero(~nodata)
    # What stands where there is no data changes nothing elsewhere, and comes back as it was.
    other = resolve_depressions(z, nodata=nodata)
    assert np.array_equal(other.breached[~nodata], found.breached[~nodata])
    assert np.array_equal(other.breached[nodata], z[nodata])
    assert np.array_equal(other.filled[nodata], z[nodata])


@few
@given(rough | terraced, st.data())
def test_ground_that_no_given_outlet_joins_is_left_alone_and_counted(z, data):
    nodata = data.draw(arrays(np.bool_, z.shape, elements=st.sampled_from([True, False])))
    nodata.flat[data.draw(st.integers(0, z.size - 1))] = False
    cells = np.flatnonzero(~nodata)
    outlets = np.zeros(z.shape, bool)
    outlets.flat[data.draw(st.lists(st.sampled_from(cells.tolist()), min_size=1, max_size=3))] = True
    found = resolve_depressions(z, nodata=nodata, outlets=outlets)
    filled, reached = flood(z, outlets, nodata)
    assert np.array_equal(found.filled, filled)
    alone = ~reached & ~nodata
    assert found.report.undrained == np.count_nonzero(alone)
    assert np.array_equal(found.breached[alone], z[alone])
    assert (found.water_depth[alone] == 0).all()
    assert outlets.ravel()[ends(found.receivers)][reached.ravel()].all()
    assert (steepest_step(found.breached)[reached & ~outlets] >= EPSILON).all()
    _, report = breach(z, nodata=nodata, outlets=outlets, return_report=True)
    assert report == found.report
    area = flow_accumulation(z, nodata=nodata, outlets=outlets)
    assert area[outlets].sum() == np.count_nonzero(reached)


def test_a_region_enclosed_by_no_data_drains_into_it_unless_outlets_are_given():
    z = np.full((9, 9), 50.0, np.float32)
    nodata = np.zeros(z.shape, bool)
    nodata[2:7, 2:7] = True
    nodata[3:6, 3:6] = False
    z[4, 4] = 10
    found = resolve_depressions(z, nodata=nodata)
    assert found.report.undrained == 0
    assert found.filled[4, 4] == 50
    assert found.breached[4, 4] == 10
    z[3:6, 3:6] = 10 + 1e-4 * np.arange(9).reshape(3, 3)  # too gentle, but left alone
    outside = resolve_depressions(z, nodata=nodata, outlets=border(z.shape))
    assert np.array_equal(outside.breached[3:6, 3:6], z[3:6, 3:6])
    assert outside.report.undrained == 9
    assert np.array_equal(outside.filled[3:6, 3:6], z[3:6, 3:6])
    assert outside.receivers[3, 3] == 3 * 9 + 3


@few
@given(rough | terraced, st.data())
def test_fixed_cells_among_cells_without_data(z, data):
    nodata = data.draw(arrays(np.bool_, z.shape))
    nodata.flat[data.draw(st.integers(0, z.size - 1))] = False
    fixed = data.draw(arrays(np.bool_, z.shape))
    penalty = data.draw(st.sampled_from([0.0, 3.0, 1e4]))
    found = resolve_depressions(z, nodata=nodata, fixed=fixed, fixed_penalty_m=penalty)
    assert np.array_equal(found.breached[fixed | nodata], z[fixed | nodata])
    shown = np.where(nodata, np.nan, z)
    top = float(np.abs(z[~nodata]).max())
    expected = carved_along(shown, found.receivers, fixed_point(top, EPSILON)[0], found.report.epsilon_m, fixed)
    assert np.array_equal(found.breached[~nodata], expected[~nodata].astype(np.float32))
    stuck = (steepest_step(np.where(nodata, np.nan, found.breached)) < EPSILON) & ~outlets_beside(nodata) & ~nodata
    assert stuck.sum() <= found.report.fixed_violations
